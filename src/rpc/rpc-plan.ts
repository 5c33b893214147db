/**
 * Plan of an RPC service for a parent of workers, which create the service.
 */
import type { Config } from '../config/index.js';
import type { PlannedService } from '../service/index.js';
import { messagingSettings, notificationSettings } from './messaging-options.js';
import { checkOptions, identityOf, managersFor, type RPCServiceOptions } from './service-options.js';

/** An RPC service as plain data. */
export interface PlannedRPCService extends PlannedService {
  readonly topic: string;
}

/** Options of a plan: given in code, or by an operator's files. */
export type PlannedRPCOptions = RPCServiceOptions & { readonly name: string; readonly config: Config };

/** Checks the options as `RPCService.create` does, with the same errors. Creates no manager. */
export function plannedRpcService(options: PlannedRPCOptions): PlannedRPCService {
  const { name, config, workers = 1, project } = options;
  checkOptions(options);
  const identity = identityOf(options, config);
  managersFor(identity, options)(config);
  messagingSettings(config, { project });
  notificationSettings(config);
  return { kind: 'planned', name, topic: identity.topic, workers, addresses: [] };
}
