/** Loads and unloads a model over and over: reload.mjs MODEL TIMES. Prints the resident bytes before and after each round, as JSON. */
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { loadConfig } from '../../dist/config/config.js';
import { Activity } from '../../dist/generation/activity/activity.js';
import { Admission } from '../../dist/generation/admission/admission.js';
import { ModelService } from '../../dist/generation/model.service.js';
import { EngineInferenceProvider } from '../../dist/inference/engine-inference.provider.js';

const [model, times] = process.argv.slice(2);
Logger.overrideLogger(false);
const config = loadConfig({ MODEL_PATH: model });
const models = new ModelService(new EngineInferenceProvider(config), config, new Admission(config), new Activity());
const resident = [process.memoryUsage.rss()];
for (let i = 0; i < Number(times); i++) {
  await models.load();
  const request = { prompt: { kind: 'text', text: 'Hello' }, maxNewTokens: 5 };
  for await (const event of models.generate(request, new AbortController().signal)) void event;
  await models.unload();
  globalThis.gc();
  resident.push(process.memoryUsage.rss());
}
console.log(JSON.stringify(resident));
