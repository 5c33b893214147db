/** Parts of the command line for other programs. */

export {
  type ApiService,
  type MakeServices,
  type Role,
  type RunApisOptions,
  runApis,
  runMain,
} from './serve/run-apis.js';
