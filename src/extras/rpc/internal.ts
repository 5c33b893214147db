/** Exports for other directories of Portico, in addition to the published ones. */
export { CallMeter } from './call-meter.js';
export { DeadLetters } from './client/dead-letters.js';
export { nextDeadLetter } from './conformance/bench.js';
export { conformanceOptions } from './conformance/cases.js';
export {
  BadArguments,
  DeliveryFailure,
  DeliveryUnknown,
  NoServers,
  NoSuchMethod,
  RemoteError,
  RpcTimeout,
  ServerShuttingDown,
  UnsupportedVersion,
} from './errors.js';
export { exposedMethods } from './exposed-methods.js';
export { isCompatible } from './message/versions.js';
export { rpcContract } from './server/contract.js';
export { Endpoints } from './server/endpoints.js';
export { RpcServer } from './server/rpc-server.js';
export { ServedTopic } from './server/served-topic.js';
export { MemoryBroker } from './transport/memory/memory-broker.js';
export { MemoryTransport } from './transport/memory/memory-transport.js';
export { makeTransport, shareTransport } from './transport/open-transport.js';
export { checkRoute } from './transport/route.js';
export type { TransportOptions } from './transport/transport.js';
export { parseTransportUrl } from './transport/transport-url.js';
