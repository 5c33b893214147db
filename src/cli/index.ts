/** What of the command line a program of one's own can use. */

export { type ApiService, type MakeServices, type Role, type RunApisOptions, runApis, runMain } from './run-apis.js';
