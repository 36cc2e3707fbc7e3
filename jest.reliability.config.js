import base from './jest.config.js';

/** Faults and bad input against the server as a process: slower than the other tests, and a run of its own. */
/** @type {import('jest').Config} */
export default { ...base, roots: ['<rootDir>/test/reliability'], testPathIgnorePatterns: ['/node_modules/'] };
