/**
 * A manager's methods for the other parts of an application: called here where the work is this host's, and sent to the
 * host it belongs to where it is not. The same names, the same arguments, either way.
 */
import { didYouMean, PorticoError } from '../errors/index.js';
import type { ManagerCalls, RPCClient, TaskTracker } from '../service/index.js';
import { isUntracked, notPlain } from '../service/internal.js';
import { NoSuchMethod } from './errors.js';
import { type ExposurePolicy, exposedMethods, type RemoteMethod } from './exposed-methods.js';
import { methodCalls } from './method-calls.js';

/** A manager's methods, and {@link on} for those of its like on another host. */
export type ManagerApi<M> = ManagerCalls<M> & { readonly on: (host: string) => ManagerCalls<M> };

/** Whose methods they are. */
export interface ManagerApiParts {
  /** The main manager; undefined while its service is not started. */
  readonly manager: () => object | undefined;
  readonly host: string;
  readonly topic: string;
  readonly tracker: TaskTracker;
  readonly policy: ExposurePolicy | undefined;
  /** Calls the service of another host. */
  readonly remote: (host: string) => RPCClient;
}

/**
 * Makes the client of a manager. A call rejects with `PORTICO_RPC_NO_SUCH_METHOD` for what the manager does not expose,
 * `PORTICO_NOT_PLAIN` for arguments that carry behaviour (also where the call is local, so that it goes on working when
 * the work moves), and as `RPCClient.call` where the work is another host's.
 */
export function managerApi<M extends object>(options: ManagerApiParts): ManagerApi<M> {
  // Looked up once for each manager; a restart may have made another one.
  const known = new WeakMap<object, ReadonlyMap<string, RemoteMethod>>();
  const methodsOf = (manager: object): ReadonlyMap<string, RemoteMethod> => {
    const methods = known.get(manager) ?? exposedMethods(manager, options.policy);
    known.set(manager, methods);
    return methods;
  };
  const parts: Parts = { ...options, methodsOf };
  const on = (host: string): ManagerCalls<M> => calls<M>(parts, host, {});
  return calls<M>(parts, parts.host, { on }) as ManagerApi<M>;
}

interface Parts extends ManagerApiParts {
  readonly methodsOf: (manager: object) => ReadonlyMap<string, RemoteMethod>;
}

function calls<M>(parts: Parts, host: string, own: object): ManagerCalls<M> {
  return methodCalls<ManagerCalls<M>>((method, context, args = {}) => call(parts, host, method, context, args), own);
}

async function call(
  { manager: running, host: here, topic, tracker, remote, methodsOf }: Parts,
  host: string,
  method: string,
  context: unknown,
  args: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const behaviour = notPlain(args, 'args');
  if (behaviour !== undefined) {
    throw new PorticoError('PORTICO_NOT_PLAIN', {
      message: `${topic}: ${method} is called with more than data: ${behaviour}`,
      hint: 'Managers act on plain data: give ids and values, not objects with methods.',
    });
  }
  if (host !== here) return remote(host).call(context, method, args);
  const manager = running();
  if (manager === undefined) {
    throw new PorticoError('PORTICO_NOT_STARTED', {
      message: `${topic}: ${method} was called before the start, or after the stop`,
      hint: 'Await the start() of its service first.',
    });
  }
  const methods = methodsOf(manager);
  const found = methods.get(method);
  if (found === undefined) {
    throw new NoSuchMethod({
      message: `${topic} has no method "${method}"`,
      hint: didYouMean(method, methods.keys()) ?? `It has: ${[...methods.keys()].join(', ') || 'none'}.`,
    });
  }
  if (isUntracked((manager as Record<string, unknown>)[method])) return found(context, args);
  const { requestId } = (context ?? {}) as { requestId?: string };
  return tracker.record(`${manager.constructor.name}.${method}`, () => found(context, args), { requestId });
}
