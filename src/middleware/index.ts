/** `portico/middleware`: the built-in filters and apps. Each is a factory for a paste file. */

// The filter of an extension.
export { session } from 'portico/sessions';
export type { Identity } from '../app/index.js';
export type { SessionStore } from '../service/internal.js';
export { allowedHosts } from './allowed-hosts.js';
export type { AuthTokenOptions } from './auth/auth-token-options.js';
export { stripIdentity } from './auth/identity.js';
export {
  type AccessRule,
  type AppCredential,
  type Named,
  type RefusedToken,
  type TokenInfo,
  type TokenValidator,
  type ValidateOptions,
  type ValidatorSettings,
  ValidatorUnavailable,
} from './auth/token-validator.js';
export { authToken, jwtAuth } from './auth-token.js';
export { basicAuth } from './basic-auth.js';
export { catchErrors } from './catch-errors.js';
export { compression } from './compression.js';
export { connect, fastifyPlugin } from './connect.js';
export { context } from './context.js';
export { correlationId } from './correlation-id.js';
export { cors } from './cors.js';
export { deadline } from './deadline.js';
export { debug } from './debug.js';
export { echo } from './echo.js';
export { etag } from './etag.js';
export { faultWrapper } from './fault-wrapper.js';
export { gatekeeper } from './gatekeeper.js';
export type { AskedAt, HealthcheckPlugin, PluginResult } from './health/healthcheck-plugins.js';
export { healthcheck, healthcheckFilter } from './healthcheck.js';
export { nameCheck } from './name-check.js';
export { noauth } from './noauth.js';
export { passThrough } from './pass-through.js';
export { pathPrefix } from './path-prefix.js';
export { proxyHeaders } from './proxy-headers.js';
export { rateLimit } from './rate-limit.js';
export { readOnly } from './read-only.js';
export { requestConfig } from './request-config.js';
export { computeRequestId, requestId } from './request-id.js';
export { requestLog } from './request-log.js';
export { securityHeaders } from './security-headers.js';
export { type SignTokenOptions, signToken, type TokenClaims } from './sign-token.js';
export { sizelimit } from './sizelimit.js';
export { staticFiles, staticFilesFilter } from './static-files.js';
export { stats } from './stats.js';
