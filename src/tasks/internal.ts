/** What other directories of Portico use of this one beside what is published. */
export { ownLimitMs, pause, systemClock, within } from './clock.js';
export { Deadlines } from './deadlines.js';
