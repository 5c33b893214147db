/**
 * Methods that a service offers to others, as data: `portico plan` compares those of two states.
 */
import type { ExposurePolicy } from '../exposed-methods.js';
import type { ArgumentSchema } from './arguments.js';
import { Endpoints } from './endpoints.js';

/** One interface of a service. */
export interface RpcContract {
  readonly namespace: string | null;
  /** Earlier names, under which it is served too. Absent: none. */
  readonly acceptedNamespaces?: readonly string[];
  readonly version: string;
  /** Methods by name, with the schema of their arguments; null: any. */
  readonly methods: Readonly<Record<string, ArgumentSchema | null>>;
}

/**
 * Returns the contract of endpoints (managers and their further endpoints); `policy` as for `exposedMethods`. Throws the errors of a start.
 */
export function rpcContract(endpoints: readonly object[], policy?: ExposurePolicy): RpcContract[] {
  return new Endpoints(endpoints, policy).described.map(({ namespaces, version, methods }) => {
    const [namespace = null, ...accepted] = namespaces;
    return {
      namespace,
      ...(accepted.length === 0 ? {} : { acceptedNamespaces: accepted as string[] }),
      version,
      methods: Object.fromEntries([...methods].map(([name, { options }]) => [name, options.args ?? null])),
    };
  });
}
