/** Exports for other directories of Portico, in addition to the published ones. */

export {
  enabledServicesOptions,
  managerOf,
  missingComma,
  type Names,
  namedPipeline,
  namesIn,
  pipelineOf,
  serviceOptions,
} from './api/api-names.js';
export { apiOptions, enabledApisOptions, servingOptions } from './api/api-options.js';
export { type PlannedApi, plannedApi } from './api/api-plan.js';
export { pathsOf } from './api/api-settings.js';
export { configuredPaste, configuredPasteFile } from './api/configured-paste-file.js';
export { pasteErrors } from './api/paste-loader.js';
export { serverFailures } from './requests/server-failures.js';
export { type TriedAnswer, type TriedRequest, trialServer } from './requests/trial-server.js';
export { pipelineProbes } from './spans/filter-times.js';
export { sslOptions, sslSettings } from './tls/ssl-options.js';
export { clientAuthOf } from './tls/tls.js';
export { type WsgiOptions, wsgiOptions } from './wsgi-options.js';
