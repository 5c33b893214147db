/** What other directories use of `src/sqlite` in addition to its entry point. */
export { trialCopy } from './trial-copy.js';
