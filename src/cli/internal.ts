/** Exports for other directories of Portico, in addition to the published ones. */
export { judgeProgram } from './judge/first-worker.js';
