import { Inject, Injectable } from '@nestjs/common';
import { wrongParameter } from '../../common/fastapi/validation-fault.js';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import type { GenerationRequest, Grammar, Prompt, ThoughtOptions } from '../../inference/inference-provider.js';
import { ModelService } from '../model.service.js';
import {
  callMarkersOf,
  type OutputFormat,
  readOutputFormat,
  rendersTools,
  type ThoughtMarkers,
  type ToolCallFormat,
} from '../output/output-format.js';
import { OutputParser } from '../output/output-parser.js';
import { constrainCalls, type RequiredCalls } from '../output/tool-calls/call-grammar.js';
import { TOOL_CALL_SYNTAXES } from '../output/tool-calls/tool-call-syntax.js';
import type { ChatRequest, FunctionTool, ThinkingRequest } from './chat-request.js';
import { toTemplateMessages } from './history.js';

/** What the engine is to know for answers to a conversation, and what is made of their text. */
export interface AnswerPlan {
  /** To be part of every request to the engine. */
  readonly options: Pick<GenerationRequest, 'keptSpecialTokens' | 'thought' | 'grammar' | 'grammarAfter'>;
  /** For one answer. */
  readonly createParser: () => OutputParser;
}

/** What becomes of a conversation. */
export interface ChatPlan {
  readonly prompt: Prompt;
  /**
   * Once the prompt's token ids are known.
   *
   * @param grammar what an answer has to be that calls no tool
   */
  readonly planAnswers: (
    ids: readonly number[],
    grammar: Grammar | undefined,
    signal: AbortSignal,
  ) => Promise<AnswerPlan>;
}

/** Tokens at the end of a prompt that are looked at for the beginning of a thought. */
const TAIL = 16;

/** Turns conversations with tools and thoughts into prompts, and answers into their parts, for every dialect. */
@Injectable()
export class ChatService {
  constructor(
    private readonly models: ModelService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** How the model writes; nothing is known before it is loaded. */
  get format(): OutputFormat {
    return readOutputFormat(this.models.model, this.config);
  }

  /**
   * @throws {RequestValidationError} for `tools` and `tool_choice`, which dialects name alike
   * @throws {ModelNotLoadedError}
   */
  plan(request: ChatRequest): ChatPlan {
    this.checkTools(request);
    const { format } = this;
    const { toolChoice, addGenerationPrompt = true } = request;
    const tools = toolChoice === 'none' ? [] : (request.tools ?? []);
    const prompt: Prompt = {
      kind: 'chat',
      messages: toTemplateMessages(request.messages, format.toolCalls),
      addGenerationPrompt,
      ...(tools.length > 0 && { tools: tools.map(toTemplateTool) }),
      variables: { ...toVariables(request.thinking), ...request.variables },
    };
    const planAnswers: ChatPlan['planAnswers'] = async (ids, grammar, signal) => {
      const calls = format.toolCalls && tools.length > 0 && this.callsOf(request, tools, format.toolCalls);
      // A tool may be called without a thought, if the model does so.
      const thinking = { ...request.thinking, mustThink: grammar !== undefined && !calls };
      const thought = format.thought && (await this.planThought(format.thought, thinking, ids, signal));
      const comesFirst = thought && (thought.open || thought.opening);
      const expected = {
        tools: tools.map(({ name }) => name),
        parallelToolCalls: request.parallelToolCalls,
        thoughts: this.config.reasoning,
        mustCall: mustCall(request),
        inThought: thought?.open,
      };
      return {
        options: {
          keptSpecialTokens: this.markers(format, tools.length > 0),
          ...(thought && { thought }),
          // A thought that was asked for comes first; unasked, the answer begins at once.
          ...(calls
            ? constrainCalls(calls, thought, grammar)
            : grammar && { grammar, ...(comesFirst && { grammarAfter: thought.end }) }),
        },
        createParser: () => new OutputParser(format, expected),
      };
    };
    return { prompt, planAnswers };
  }

  private async planThought(
    markers: ThoughtMarkers,
    thinking: ThinkingRequest & { readonly mustThink: boolean },
    ids: readonly number[],
    signal: AbortSignal,
  ): Promise<ThoughtOptions> {
    const tail = await this.models.decode(ids.slice(-TAIL), signal);
    // Many templates begin the thought themselves.
    const open = tail.trimEnd().endsWith(markers.begin);
    const thought = {
      ...markers,
      open,
      // What waits for the end of a thought would wait for ever if there were none.
      ...(!open &&
        thinking.mustThink &&
        isEnabled(thinking) && { opening: await this.models.idsOf(markers.begin, signal) }),
    };
    // A model whose template cannot turn thinking off may try all the same.
    const maxTokens = isEnabled(thinking) === false ? 0 : thinking.maxTokens;
    if (maxTokens === undefined) return thought;
    const closing = await this.models.idsOf(`\n${markers.end}\n\n`, signal);
    return { ...thought, limit: { maxTokens, closing } };
  }

  /** What sets the parts of an answer apart, which may be special tokens. */
  private markers({ thought, toolCalls }: OutputFormat, withTools: boolean): readonly string[] {
    return [
      ...(thought && this.config.reasoning ? [thought.begin, thought.end] : []),
      ...(toolCalls && withTools ? TOOL_CALL_SYNTAXES[toolCalls].markers : []),
    ];
  }

  private callsOf(request: ChatRequest, tools: readonly FunctionTool[], format: ToolCallFormat): RequiredCalls {
    const { toolChoice, parallelToolCalls = true } = request;
    const chosen = typeof toolChoice === 'object' ? toolChoice.name : undefined;
    return {
      format,
      markers: callMarkersOf(this.models.model, format),
      tools: chosen === undefined ? tools : tools.filter(({ name }) => name === chosen),
      atLeastOne: mustCall(request),
      atMostOne: chosen !== undefined || !parallelToolCalls,
    };
  }

  private checkTools({ tools = [], toolChoice = 'auto' }: ChatRequest): void {
    if (typeof toolChoice === 'object' && !tools.some(({ name }) => name === toolChoice.name)) {
      throw wrongParameter('tool_choice', `There is no tool ${JSON.stringify(toolChoice.name)}`, toolChoice);
    }
    if (tools.length === 0 && toolChoice === 'required')
      throw wrongParameter('tool_choice', 'There are no tools', toolChoice);
    if (tools.length === 0 || toolChoice === 'none') return;
    if (!rendersTools(this.models.model)) {
      throw wrongParameter('tools', 'The chat template of this model does not know tools', tools);
    }
    if (!this.format.toolCalls) {
      throw wrongParameter('tools', 'How this model calls tools is not known: set TOOL_CALL_FORMAT', tools);
    }
  }
}

/** In the form of OpenAI's, which chat templates have come to expect; some want to see parameters of every tool. */
function toTemplateTool({ name, description, parameters = { type: 'object', properties: {} } }: FunctionTool): object {
  return { type: 'function', function: { name, ...(description !== undefined && { description }), parameters } };
}

function mustCall({ toolChoice = 'auto' }: ChatRequest): boolean {
  return toolChoice === 'required' || typeof toolChoice === 'object';
}

/** Undefined where the chat template decides. */
function isEnabled({ effort, enabled }: ThinkingRequest = {}): boolean | undefined {
  return enabled ?? (effort === undefined ? undefined : effort !== 'none');
}

/** Templates name the switch differently; a variable that one does not know has no effect. */
function toVariables(thinking: ThinkingRequest = {}): Record<string, unknown> {
  const { effort } = thinking;
  const enabled = isEnabled(thinking);
  return {
    ...(enabled !== undefined && { enable_thinking: enabled, thinking: enabled }),
    ...(effort !== undefined && effort !== 'none' && { reasoning_effort: effort }),
  };
}
