import { ApiProperty } from '@nestjs/swagger';
import { ChoiceBase, CompleteAnswerBase, promptTokenIds } from './answer.dto.js';

const BYTES = {
  description: 'Its bytes in UTF-8: a character may be spread over several tokens',
  type: 'array',
  items: { type: 'integer', minimum: 0, maximum: 255 },
  example: [32, 72, 105],
} as const;

/** A token that could have been chosen. */
export class ChatTopLogprob {
  @ApiProperty({ description: 'What the token says', example: ' Hi' })
  token!: string;

  @ApiProperty({ description: 'Natural logarithm of its probability; -9999 for an impossible one', example: -0.5 })
  logprob!: number;

  @ApiProperty(BYTES)
  bytes!: readonly number[];
}

/** A token of the answer. */
export class ChatTokenLogprob extends ChatTopLogprob {
  @ApiProperty({
    description: 'The most probable tokens in its place, the most probable first',
    type: [ChatTopLogprob],
  })
  top_logprobs!: ChatTopLogprob[];
}

export class ChatLogprobs {
  @ApiProperty({ description: 'One entry for each generated token', type: [ChatTokenLogprob] })
  content!: ChatTokenLogprob[];

  @ApiProperty({ description: 'Always null', type: 'null', example: null })
  refusal!: null;
}

export class CalledFunction {
  @ApiProperty({ description: 'Its name', example: 'get_weather' })
  name!: string;

  @ApiProperty({
    description: 'Text of a JSON object, as the model wrote it; only its beginning, if the answer was cut',
    example: '{"city": "Paris"}',
  })
  arguments!: string;
}

export class ToolCall {
  @ApiProperty({ description: 'For the message with the result', example: 'call_9f0c2b7d1e6a4835' })
  id!: string;

  @ApiProperty({ description: 'What is called', enum: ['function'], example: 'function' })
  type!: 'function';

  @ApiProperty({ description: 'The call', type: CalledFunction })
  function!: CalledFunction;
}

export class ChatAnswerMessage {
  @ApiProperty({ description: 'Who speaks', enum: ['assistant'], example: 'assistant' })
  role!: 'assistant';

  @ApiProperty({
    description: 'The generated text, without special tokens; null if there is none, but calls of tools',
    oneOf: [{ type: 'string' }, { type: 'null' }],
    example: 'An Inference Endpoint is a server that loads a model and answers requests over HTTP.',
  })
  content!: string | null;

  @ApiProperty({
    description: 'What the model thought before; only when it did',
    required: false,
    example: 'I know this one.',
  })
  reasoning_content?: string;

  @ApiProperty({ description: 'Tools to call; only when there are any', required: false, type: [ToolCall] })
  tool_calls?: ToolCall[];

  @ApiProperty({ description: 'Always null', type: 'null', example: null })
  refusal!: null;
}

export class ChatChoice extends ChoiceBase {
  @ApiProperty({ description: 'The answer', type: ChatAnswerMessage })
  message!: ChatAnswerMessage;

  @ApiProperty({
    description: 'Only with `logprobs`, else null',
    oneOf: [{ $ref: '#/components/schemas/ChatLogprobs' }, { type: 'null' }],
  })
  logprobs!: ChatLogprobs | null;
}

/** The answer to `POST /v1/chat/completions`. */
export class ChatCompletion extends CompleteAnswerBase {
  @ApiProperty({ description: 'What this is', enum: ['chat.completion'], example: 'chat.completion' })
  object!: 'chat.completion';

  @ApiProperty({ description: 'As many as `n` says', type: [ChatChoice] })
  choices!: ChatChoice[];

  @promptTokenIds()
  prompt_token_ids?: readonly number[];
}
