/** Exports for other directories of Portico, beside the published ones. */
export { sqliteProblem } from './driver.js';
