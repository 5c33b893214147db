/** Exports for other directories of Portico, in addition to the published ones. */
export { judge, judgement } from './judge/judge.js';
