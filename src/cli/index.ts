/** `portico/cli`: parts of the command line for other applications. */

export { runMain } from './run-main.js';
export { type ApiService, type MakeServices, type Role, type RunApisOptions, runApis } from './serve/run-apis.js';
