/** `portico/server`: apps on addresses. */
export type { Connection, Exchange } from './connections.js';
export { formatAddress } from './listen.js';
export { Server } from './server.js';
export type { ServerOptions } from './server-options.js';
export { sslOptions, type TlsSettings } from './ssl-options.js';
export { developmentCertificate, isTlsEnabled, tlsOptions } from './tls.js';
export { type WsgiOptions, wsgiOptions } from './wsgi-options.js';
