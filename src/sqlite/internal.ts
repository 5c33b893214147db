/** Exports for other directories of Portico, in addition to the published ones. */
export { sqliteProblem } from './driver.js';
