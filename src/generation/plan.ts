import type { AnswersRequest } from './answers.js';

/** What a route makes of a valid request: all that is needed to generate, or to explain what would be generated. */
export interface Plan extends AnswersRequest {
  /** Whether the request says how long answers may be. */
  readonly limitsLength: boolean;
  /** How many tokens at the beginning of a prompt are not read, since the request wants it so; none if left out. */
  readonly cutOf?: (promptIds: readonly number[]) => number;
  /** What has no effect, or less than was asked for, in words. */
  readonly warningsFor: (promptIds: readonly (readonly number[])[]) => readonly string[];
}
