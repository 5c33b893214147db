/** `portico/rpc`: managers as services. */
export { type ExposurePolicy, expose, exposedMethods, type RemoteMethod } from './exposed-methods.js';
export type { ManagerApi, ManagerCalls, RemoteCall } from './manager-api.js';
export type { RPCServiceOptions } from './rpc-options.js';
export { type BaseEndpoint, type Consumer, RPCService, type ServiceStatus } from './rpc-service.js';
