import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { Admission } from '../generation/admission/admission.js';
import { ModelService } from '../generation/model.service.js';

/** What the probes ask of the model. */
@Injectable()
export class ModelHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly models: ModelService,
    private readonly admission: Admission,
  ) {}

  /** Whether it is loaded, and has generated a token. */
  isLoaded(): HealthIndicatorResult<'model'> {
    const { state } = this.models;
    const indicator = this.indicators.check('model');
    return state === 'ready' ? indicator.up({ state }) : indicator.down({ state });
  }

  /** The same, and requests are let in; also when so many wait that the next is turned away. */
  isReady(): HealthIndicatorResult<'model'> {
    return this.admission.draining ? this.indicators.check('model').down({ state: 'draining' }) : this.isLoaded();
  }

  /** Whether it gets on with what there is to do. */
  isMoving(): HealthIndicatorResult<'progress'> {
    const indicator = this.indicators.check('progress');
    return this.models.stalled ? indicator.down() : indicator.up();
  }
}
