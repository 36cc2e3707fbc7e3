/**
 * Loads and unloads a model over and over: reload.mjs MODEL TIMES. Prints the resident bytes before and after each round, as
 * JSON; on Linux without pages of files, of which the first load brings in what it needs of the libraries.
 */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
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
const resident = [residentBytes()];
for (let i = 0; i < Number(times); i++) {
  await models.load();
  const request = { prompt: { kind: 'text', text: 'Hello' }, maxNewTokens: 5 };
  for await (const event of models.generate(request, new AbortController().signal)) void event;
  await models.unload();
  globalThis.gc();
  resident.push(residentBytes());
}
console.log(JSON.stringify(resident));

function residentBytes() {
  if (process.platform !== 'linux') return process.memoryUsage.rss();
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return 1024 * Number(kibibytes);
}
