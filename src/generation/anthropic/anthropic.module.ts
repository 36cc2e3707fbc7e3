import { Module } from '@nestjs/common';
import { GenerationModule } from '../generation.module.js';
import { MessagesController } from './messages.controller.js';
import { MessagesService } from './messages.service.js';

/** Anthropic's dialect. */
@Module({
  imports: [GenerationModule],
  controllers: [MessagesController],
  providers: [MessagesService],
})
export class AnthropicModule {}
