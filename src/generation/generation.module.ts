import { Module } from '@nestjs/common';
import { Activity } from './activity/activity.js';
import { ChatService } from './chat/chat.service.js';
import { TurnService } from './chat/turn.service.js';
import { ExplainService } from './explain/explain.service.js';
import { Admission } from './admission/admission.js';
import { ModelService } from './model.service.js';

/** The model's life, and what dialects share. Import it to use `ModelService`, or `ChatService`, in a module of your own. */
@Module({
  providers: [Activity, Admission, ModelService, ChatService, TurnService, ExplainService],
  exports: [Activity, Admission, ModelService, ChatService, TurnService, ExplainService],
})
export class GenerationModule {}
