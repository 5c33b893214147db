/** Internal exports for other directories of Portico. */
export { sqliteProblem } from './database.js';
