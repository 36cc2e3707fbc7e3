import { Module } from '@nestjs/common';
import { GenerationModule } from '../generation.module.js';
import { TgiController } from './tgi.controller.js';
import { TgiService } from './tgi.service.js';

/** The dialect of Hugging Face's text-generation-inference. */
@Module({
  imports: [GenerationModule],
  controllers: [TgiController],
  providers: [TgiService],
  exports: [TgiService],
})
export class TgiModule {}
