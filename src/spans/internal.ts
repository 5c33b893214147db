/** Internal exports for other directories of Portico. */
export { HeldShutdown } from './held-shutdown.js';
export { exceptionOf, idsOf, SpanMaker } from './span-maker.js';
