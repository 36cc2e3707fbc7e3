import { IntegerField, NumberField, StringField, StringListField } from '../../../common/fastapi/fields.js';

export const DEFAULT_MAX_NEW_TOKENS = 128;

/** The body of `POST /generate`. What is left out below, the model's generation_config.json decides. */
export class GenerateRequest {
  @StringField({
    description: 'What to answer. Goes through the chat template, as one user message, when the model has one.',
    example: 'What is an Inference Endpoint?',
    minLength: 1,
  })
  prompt!: string;

  // The upper limit is a matter of configuration: GenerateRequestPipe checks it.
  @IntegerField({ description: 'Upper bound on generated tokens', default: DEFAULT_MAX_NEW_TOKENS, example: 64, ge: 1 })
  max_new_tokens?: number;

  @NumberField({
    description: 'Randomness of the answer: 0 always takes the most probable token',
    example: 0.7,
    ge: 0,
    le: 2,
  })
  temperature?: number;

  @NumberField({
    description: 'Draw only from the most probable tokens whose probabilities reach this sum',
    example: 0.95,
    positive: true,
    le: 1,
  })
  top_p?: number;

  @IntegerField({
    description: 'Draw only from this many of the most probable tokens; 0 for all',
    example: 50,
    ge: 0,
    le: 1_000_000,
  })
  top_k?: number;

  @NumberField({
    description: 'Draw only from tokens at least this fraction as probable as the most probable one',
    example: 0.05,
    ge: 0,
    le: 1,
  })
  min_p?: number;

  @NumberField({
    description: 'Above 1, tokens that the prompt or the answer already has become less probable; 1 for none',
    example: 1.1,
    positive: true,
    le: 100,
  })
  repetition_penalty?: number;

  @IntegerField({
    description: 'The same seed and request give the same answer',
    example: 42,
    ge: 0,
    le: Number.MAX_SAFE_INTEGER,
  })
  seed?: number;

  @StringListField({
    description: 'One string or several: the answer ends before the first of them that it would contain',
    example: ['END'],
    maxItems: 16,
  })
  stop?: string[];

  @NumberField({
    description: 'Seconds that the answer may take: then it ends with what there is',
    example: 30,
    positive: true,
    le: 86_400,
  })
  timeout?: number;
}
