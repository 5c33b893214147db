/** `portico/server`: apps on addresses. */
export { findManager } from './api-managers.js';
export { apiOptions, servingOptions } from './api-options.js';
export { TlsRefused } from './certificates.js';
export type { Connection, Exchange } from './connections.js';
export { formatAddress } from './listen.js';
export type { AppLoader } from './paste-config.js';
export { Server } from './server.js';
export type { ServerOptions } from './server-options.js';
export { sslOptions, type TlsSettings } from './ssl-options.js';
export { developmentCertificate, isTlsEnabled, tlsOptions } from './tls.js';
export type { UpgradeHandler } from './upgrades.js';
export { type WsgiOptions, wsgiOptions } from './wsgi-options.js';
export { WSGIService } from './wsgi-service.js';
export type { WSGIServiceOptions } from './wsgi-service-options.js';
