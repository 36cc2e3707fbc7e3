import { type CanActivate, Injectable } from '@nestjs/common';
import { ModelNotLoadedError } from '../inference/model-not-loaded.error.js';
import { Admission } from './admission/admission.js';
import { ModelService } from './model.service.js';

/** Lets a request pass only when the model is loaded and stays so; it comes before validation, as nothing could be done anyway. */
@Injectable()
export class ModelReadyGuard implements CanActivate {
  constructor(
    private readonly models: ModelService,
    private readonly admission: Admission,
  ) {}

  /**
   * @throws {ModelNotLoadedError}
   * @throws {DrainingError}
   */
  canActivate(): boolean {
    if (this.models.state !== 'ready') throw new ModelNotLoadedError();
    this.admission.assertOpen();
    return true;
  }
}
