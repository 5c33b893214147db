/** This process: its first signals and its end, Portico's own files, and what is loaded when. */
export { connectError } from './connect-error.js';
export { type EarlyOptions, type EarlyProcess, GRACE_MS, holdSignals, takeHeldSignals } from './early-signals.js';
export { refuseForeignLink } from './foreign-link.js';
export { loadable, loadSoon } from './loadable.js';
export { watchLoading, whileLoading } from './loading.js';
export { madeWithMode } from './made-with-mode.js';
export { exitPlace, isOwnFile, ownFile } from './own-files.js';
