/** `portico/server`: apps on addresses. */
export type { WSGIServiceOptions } from './api/api-options.js';
export { WSGIService } from './api/wsgi-service.js';
export type { Connection, Exchange } from './connections/connections.js';
export { Server } from './server.js';
export type { ServerOptions } from './server-options.js';
export { isTlsEnabled, tlsOptions } from './tls/tls.js';
export type { WsgiOptions } from './wsgi-options.js';
