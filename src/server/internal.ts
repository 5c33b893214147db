/** What other directories of Portico use of this one beside what is published. */
export { apiOptions, enabledApisOptions, servingOptions } from './api/api-options.js';
export { type MeasuredFilter, type PipelineProbes, pipelineProbes } from './api/filter-times.js';
export { noPasteFile } from './api/paste-config.js';
export { wsgiOptions } from './api/wsgi-options.js';
export type { Refusal } from './requests/refusal.js';
export { canonicalTarget } from './requests/request-target.js';
export { runApp } from './requests/run-app.js';
export { traceOptions } from './spans/filter-spans.js';
export { sslOptions } from './tls/ssl-options.js';
export { developmentCertificate } from './tls/tls.js';
