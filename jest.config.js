// Tests load ONNX Runtime as well, and Jest gives them a copy of the environment.
process.env.ORT_DISABLE_TELEMETRY = '1';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  // A run of its own: npm run test:reliability.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/reliability/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: '<rootDir>/test/tsconfig.json' }] },
  moduleNameMapper: {
    // What is tested is the build: it is what ships, and worker threads cannot load TypeScript.
    '^(?:\\.\\./)+src/(.*)\\.js$': '<rootDir>/dist/$1.js',
    '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'],
  },
  // A model is loaded, or a server started, by many of the tests.
  testTimeout: 60_000,
};
