/** `portico/server`: apps on addresses. */
export { apiOptions, servingOptions } from './api/api-options.js';
export { type AppLoader, noPasteFile } from './api/paste-config.js';
export { type WsgiOptions, wsgiOptions } from './api/wsgi-options.js';
export { WSGIService } from './api/wsgi-service.js';
export type { WSGIServiceOptions } from './api/wsgi-service-options.js';
export type { Connection, Exchange } from './connections/connections.js';
export type { UpgradeHandler } from './connections/upgrades.js';
export { formatAddress } from './listen.js';
export { Server } from './server.js';
export type { ServerOptions } from './server-options.js';
export { TlsRefused } from './tls/certificates.js';
export { sslOptions, type TlsSettings } from './tls/ssl-options.js';
export { developmentCertificate, isTlsEnabled, tlsOptions } from './tls/tls.js';
