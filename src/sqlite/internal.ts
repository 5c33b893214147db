/** The part of `src/sqlite` that other directories use in addition to its entry point. */
export { trialCopy } from './trial-copy.js';
