/** `portico/server`: apps on addresses. */
export type { AppLoader, WSGIServiceOptions } from './api/api-options.js';
export { WSGIService } from './api/wsgi-service.js';
export type { ConnectionReport } from './connections/connection-report.js';
export type { ReportedRequest, RequestInFlight, RequestState } from './connections/cut-off.js';
export { Server } from './server.js';
export type { ServerOptions } from './server-options.js';
export type { ReadTlsFile } from './tls/certificates.js';
export type { TlsSettings } from './tls/ssl-options.js';
export { isTlsEnabled, tlsOptions } from './tls/tls.js';
export type { WsgiOptions } from './wsgi-options.js';
