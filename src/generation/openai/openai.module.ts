import { Module } from '@nestjs/common';
import { GenerationModule } from '../generation.module.js';
import { ChatCompletionsController } from './chat-completions.controller.js';
import { CompletionsController } from './completions.controller.js';
import { ModelsController } from './models.controller.js';
import { TokensController } from './tokens.controller.js';
import { OpenAiService } from './openai.service.js';
import { ResponsesController } from './responses/responses.controller.js';
import { ResponsesService } from './responses/responses.service.js';

/** OpenAI's dialect, with the extensions that vLLM's users expect. */
@Module({
  imports: [GenerationModule],
  controllers: [
    ChatCompletionsController,
    CompletionsController,
    ModelsController,
    TokensController,
    ResponsesController,
  ],
  providers: [OpenAiService, ResponsesService],
})
export class OpenAiModule {}
