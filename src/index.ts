/** `portico`: the names a first program needs. */
export { type App, compose, environ, type Filter } from './app/index.js';
export { Config } from './config/index.js';
export { PorticoError } from './errors.js';
export { createLogger, type Logger, silentLogger } from './log.js';
