/**
 * The plan of an RPC service: what a parent of workers knows of it. Its workers make the service.
 */
import type { Config } from '../config/index.js';
import { silentLogger } from '../log/index.js';
import type { PlannedService } from '../service/index.js';
import { RPCConnection } from './client/rpc-connection.js';
import { checkOptions, identityOf, managersFor, type RPCServiceOptions } from './service-options.js';

/** An RPC service as plain data. */
export interface PlannedRPCService extends PlannedService {
  readonly topic: string;
}

/** Options of a plan: all of it given in code, or by an operator's files. */
export type PlannedRPCOptions = RPCServiceOptions & { readonly name: string; readonly config: Config };

/** Judges the options as `RPCService.create` does, and throws the same. Makes no manager. */
export function plannedRpcService(options: PlannedRPCOptions): PlannedRPCService {
  const { name, config, workers = 1, project } = options;
  checkOptions(options);
  const identity = identityOf(options, config);
  managersFor(identity, options)(config);
  // It opens nothing: made for what it refuses of [rpc].
  new RPCConnection({ config, log: silentLogger(), ...(project === undefined ? {} : { project }) });
  return { kind: 'planned', name, topic: identity.topic, workers, addresses: [] };
}
