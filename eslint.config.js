import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** What src/engine may not know: it could be published on its own. */
const ENGINE_BOUNDARY = {
  patterns: [
    { group: ['@nestjs/*', 'fastify', 'rxjs', 'pino', 'class-*'], message: 'The engine knows nothing of the server.' },
    {
      regex:
        '^(\\.\\./)+(access|app|common|config|generation|health|inference|main|metrics|openapi|server|shutdown|tracing|version)\\b',
      message: 'The engine imports nothing from outside its folder.',
    },
  ],
};

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'models/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // A parameter of a Nest class is injected by its type, which must then be a value.
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/config reads it.' },
      ],
    },
  },
  { files: ['src/engine/**/*.ts'], rules: { 'no-restricted-imports': ['error', ENGINE_BOUNDARY] } },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: globals() },
  },
);

function globals() {
  const names = [
    'process',
    'console',
    'performance',
    'fetch',
    'URL',
    'setTimeout',
    'clearTimeout',
    'Buffer',
    'AbortController',
    'AbortSignal',
    'TextDecoderStream',
  ];
  return Object.fromEntries(names.map((name) => [name, 'readonly']));
}
