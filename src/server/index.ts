/** `portico/server`: apps on addresses. */
export type { Connection, Exchange } from './connections.js';
export { formatAddress } from './listen.js';
export { Server } from './server.js';
export type { ServerLimits, ServerOptions } from './server-options.js';
