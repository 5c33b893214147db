/**
 * The file of each export of `portico/middleware`, so that a paste file that names six filters does not load the other forty: the compiler
 * refuses a list that lacks one. It stands above all directories: it only loads files when it is asked to.
 */
export const FILTERS: Readonly<Record<string, () => Promise<object>>> = {
  allowedHosts: () => import('./middleware/allowed-hosts.js'),
  authToken: () => import('./middleware/auth-token.js'),
  basicAuth: () => import('./middleware/basic-auth.js'),
  catchErrors: () => import('./middleware/catch-errors.js'),
  compression: () => import('./middleware/compression.js'),
  computeRequestId: () => import('./middleware/request-id.js'),
  connect: () => import('./middleware/connect.js'),
  context: () => import('./middleware/context.js'),
  correlationId: () => import('./middleware/correlation-id.js'),
  cors: () => import('./middleware/cors.js'),
  deadline: () => import('./middleware/deadline.js'),
  debug: () => import('./middleware/debug.js'),
  echo: () => import('./middleware/echo.js'),
  etag: () => import('./middleware/etag.js'),
  fastifyPlugin: () => import('./middleware/connect.js'),
  faultWrapper: () => import('./middleware/fault-wrapper.js'),
  gatekeeper: () => import('./middleware/gatekeeper.js'),
  healthcheck: () => import('./middleware/healthcheck.js'),
  healthcheckFilter: () => import('./middleware/healthcheck.js'),
  jwtAuth: () => import('./middleware/auth-token.js'),
  nameCheck: () => import('./middleware/name-check.js'),
  noauth: () => import('./middleware/noauth.js'),
  passThrough: () => import('./middleware/pass-through.js'),
  pathPrefix: () => import('./middleware/path-prefix.js'),
  proxyHeaders: () => import('./middleware/proxy-headers.js'),
  rateLimit: () => import('./middleware/rate-limit.js'),
  readOnly: () => import('./middleware/read-only.js'),
  requestConfig: () => import('./middleware/request-config.js'),
  requestId: () => import('./middleware/request-id.js'),
  requestLog: () => import('./middleware/request-log.js'),
  securityHeaders: () => import('./middleware/security-headers.js'),
  signToken: () => import('./middleware/sign-token.js'),
  sizelimit: () => import('./middleware/sizelimit.js'),
  staticFiles: () => import('./middleware/static-files.js'),
  staticFilesFilter: () => import('./middleware/static-files.js'),
  stats: () => import('./middleware/stats.js'),
  stripIdentity: () => import('./middleware/auth/identity.js'),
  ValidatorUnavailable: () => import('./middleware/auth/token-validator.js'),
} satisfies { [N in keyof Middleware]: () => Promise<Pick<Middleware, N>> };

/** `session` is a name of an extension that applications import from there. */
type Middleware = Omit<typeof import('./middleware/index.js'), 'session'>;
