import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { Config } from './config/config.js';
import { DEFAULT_MAX_NEW_TOKENS, GenerateRequest } from './generation/seed/dto/generate-request.dto.js';
import { version } from './version.js';

const DESCRIPTION = 'Serves a Hugging Face model: safetensors in, text out, on ONNX Runtime.';

/** Serves Swagger UI at `/docs` and the document at `/openapi.json`. */
export function setUpOpenApi(app: NestFastifyApplication, config: Config): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRoute', (route) => {
      if (/^\/(docs|openapi\.)/.test(route.url)) route.config = { ...route.config, public: 'docs' };
    });
  SwaggerModule.setup('docs', app, () => createDocument(app, config), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'roost',
  });
}

function createDocument(app: NestFastifyApplication, config: Config): OpenAPIObject {
  const options = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('roost')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .build();
  const document = SwaggerModule.createDocument(app, options);
  nameWildcards(document);
  // A limit that comes from the configuration, which decorators cannot know.
  const schema = document.components?.schemas?.[GenerateRequest.name];
  const field = schema && 'properties' in schema ? schema.properties?.max_new_tokens : undefined;
  if (field && !('$ref' in field)) {
    const most = config.maxNewTokens;
    const example = Math.min(Number(field.example), most);
    Object.assign(field, { maximum: most, default: Math.min(DEFAULT_MAX_NEW_TOKENS, most), example });
  }
  return document;
}

/** Swagger names the wildcard of a path, which here is an id that may have slashes, but not its parameter. */
function nameWildcards(document: OpenAPIObject): void {
  for (const { get } of Object.values(document.paths)) {
    for (const parameter of get?.parameters ?? []) {
      if ('name' in parameter && parameter.name === '*') parameter.name = 'id';
    }
  }
  const paths = Object.entries(document.paths).map(([path, item]) => [path.replace('{path}', '{id}'), item] as const);
  document.paths = Object.fromEntries(paths);
}
