/** `portico/cli`: parts of the command line for other programs. */

export { runMain } from './run-main.js';
export { type ApiService, type MakeServices, type Role, type RunApisOptions, runApis } from './serve/run-apis.js';
