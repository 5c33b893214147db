/** What of the command line a program of one's own can use. */

export { type ApiService, type MakeServices, type Role, type RunApisOptions, runApis } from './run-apis.js';
export { runMain } from './run-main.js';
