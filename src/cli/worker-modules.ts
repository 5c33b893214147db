/**
 * Modules of every worker of `api-cli` that serves an API. A worker that starts before its parent has read the configuration loads them
 * meanwhile.
 */
import './serve/serve.js';
import './serve/served-api.js';
