import { Module } from '@nestjs/common';
import { ChatService } from './chat/chat.service.js';
import { TurnService } from './chat/turn.service.js';
import { ExplainService } from './explain/explain.service.js';
import { ModelService } from './model.service.js';
import { GenerateRequestPipe } from './seed/generate-request.pipe.js';
import { GenerateController } from './seed/generate.controller.js';
import { GenerateService } from './seed/generate.service.js';

/**
 * The model's life, and the routes that let people use it. Import it to use `ModelService`, or `ChatService`, in a module
 * of your own.
 */
@Module({
  controllers: [GenerateController],
  providers: [ModelService, GenerateService, GenerateRequestPipe, ChatService, TurnService, ExplainService],
  exports: [ModelService, ChatService, TurnService, ExplainService],
})
export class GenerationModule {}
