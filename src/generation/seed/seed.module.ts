import { Module } from '@nestjs/common';
import { GenerationModule } from '../generation.module.js';
import { TgiModule } from '../tgi/tgi.module.js';
import { GenerateRequestPipe } from './generate-request.pipe.js';
import { GenerateController } from './generate.controller.js';
import { GenerateService } from './generate.service.js';

/** The dialect that this server began with: `POST /generate`, which it shares with text-generation-inference. */
@Module({
  imports: [GenerationModule, TgiModule],
  controllers: [GenerateController],
  providers: [GenerateRequestPipe, GenerateService],
})
export class SeedModule {}
