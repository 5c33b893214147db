/** `portico/middleware`: the filters and apps that ship. Each is a factory of its own for a paste file. */
export { catchErrors } from './catch-errors.js';
export { context } from './context.js';
export { cors, corsFilter } from './cors.js';
export { CorsPolicy, type CorsRules } from './cors-policy.js';
export { faultWrapper } from './fault-wrapper.js';
export { healthcheck, healthcheckFilter } from './healthcheck.js';
export type { HealthcheckPlugin, PluginResult } from './healthcheck-plugins.js';
export { IDENTITY_HEADERS, type Identity, stripIdentity } from './identity.js';
export { noauth } from './noauth.js';
export { proxyHeaders } from './proxy-headers.js';
export { requestId } from './request-id.js';
export { requestLog } from './request-log.js';
export { sizelimit } from './sizelimit.js';
