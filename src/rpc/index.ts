/** `portico/rpc`: managers as services. */
export { BaseEndpoint, type BaseEndpointFacts, type ServiceStatus } from './base-endpoint.js';
export { type ExposurePolicy, expose, exposedMethods, type RemoteMethod } from './exposed-methods.js';
export {
  type ManagerApi,
  type ManagerApiParts,
  type ManagerCalls,
  managerApi,
  type RemoteCall,
} from './manager-api.js';
export type { RPCServiceOptions } from './rpc-options.js';
export { type Consumer, RPCService } from './rpc-service.js';
