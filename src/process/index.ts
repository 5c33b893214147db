/** This process: its first signals and its end, Portico's own files, and what is loaded when. */
export { connectError } from './connect-error.js';
export { createWithMode } from './create-with-mode.js';
export { holdSignals, takeHeldSignals } from './early-signals.js';
export { refuseForeignLink } from './foreign-link.js';
export { watchLoading, whileLoading } from './loading.js';
export { exitPlace, isOwnFile, ownFile } from './own-files.js';
