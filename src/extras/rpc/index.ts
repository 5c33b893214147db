/** `portico/rpc`: managers as services, and calls between them. */
export type {
  CallOptions,
  ClientOptions,
  EmitNotification,
  ManagerCalls,
  NotificationPriority,
  Notifier,
  NotifierOptions,
  RPCClient,
  RPCClients,
} from 'portico/service';
export { RPCConnection, type RPCConnectionOptions } from './client/rpc-connection.js';
export type { TransportConformanceOptions } from './conformance/bench.js';
export { transportConformance } from './conformance/conformance.js';
export type { RemoteError, RpcTimeout, ServerShuttingDown } from './errors.js';
export { DeliveryFailure, DeliveryUnknown, NoServers } from './errors.js';
export { expose, type RpcMethodOptions, rpc, untracked } from './exposed-methods.js';
export type { ManagerApi } from './manager-api.js';
export type { ErrorClass } from './message/failure.js';
export type { ContextHere, Serializer } from './message/serializer.js';
export type { NotificationFields } from './notifications/notification.js';
export {
  type Notification,
  type NotificationHandler,
  NotificationService,
  type NotificationServiceOptions,
} from './notifications/notification-service.js';
export { transportUrl } from './rpc-options.js';
export { type BaseEndpoint, RPCService, type ServiceStatus } from './rpc-service.js';
export type { ArgumentSchema } from './server/arguments.js';
export type { RpcContract } from './server/contract.js';
export type { EndpointTarget } from './server/endpoints.js';
export type { RPCServiceOptions } from './service-options.js';
export { queueName } from './transport/route.js';
export type {
  ConsumeOptions,
  Death,
  Delivery,
  MakeTransport,
  Message,
  OnDelivery,
  OsloQueues,
  PublishOptions,
  ReplyConsumer,
  RequeueOptions,
  Route,
  Transport,
  TransportConsumer,
  TransportOptions,
  TransportState,
  Transports,
  TransportTls,
} from './transport/transport.js';
export { StatefulTransport } from './transport/transport.js';
export type { TransportHost, TransportUrl } from './transport/transport-url.js';
