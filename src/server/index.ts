/** `portico/server`: apps on addresses. */
export { WSGIService } from './api/wsgi-service.js';
export type { WSGIServiceOptions } from './api/wsgi-service-options.js';
export type { Connection, Exchange } from './connections/connections.js';
export { Server } from './server.js';
export type { ServerOptions } from './server-options.js';
export { isTlsEnabled, tlsOptions } from './tls/tls.js';
