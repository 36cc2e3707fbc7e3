import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { ModelService } from '../generation/model.service.js';

/** Up when the model is loaded. */
@Injectable()
export class ModelHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly models: ModelService,
  ) {}

  isLoaded(): HealthIndicatorResult<'model'> {
    const { state } = this.models;
    const indicator = this.indicators.check('model');
    return state === 'ready' ? indicator.up({ state }) : indicator.down({ state });
  }
}
