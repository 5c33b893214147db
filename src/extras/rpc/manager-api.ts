/**
 * A manager's methods for other parts of an application: called directly if the work belongs to this host, otherwise sent to its host, with
 * the same names and arguments.
 */
import { type Logger, PorticoError } from 'portico/extension';
import { type ClientOptions, type ManagerCalls, notPlain, type RPCClient } from 'portico/service';
import { methodCalls } from './client/call-client.js';
import type { CallTracker, ExposurePolicy } from './exposed-methods.js';
import { FIRST_VERSION, firstOfMajor } from './message/versions.js';
import { Endpoints, type EndpointTarget, isExpected, isIgnored, logFailure } from './server/endpoints.js';

/** A manager's methods, and `on` for those of another host. */
export type ManagerApi<M> = ManagerCalls<M> & { readonly on: (host: string) => ManagerCalls<M> };

/** Parts of a manager's client. */
export interface ManagerApiParts {
  /** Returns the main manager; undefined while its service is not started. */
  readonly manager: () => object | undefined;
  readonly host: string;
  readonly topic: string;
  /** Returns the tracker of the present run. */
  readonly tracker: () => CallTracker;
  /** Log for failures of `_ignore_errors` methods. */
  readonly log: Logger;
  readonly policy: ExposurePolicy | undefined;
  /** Returns a client of the service on another host. */
  readonly remote: (options: Omit<ClientOptions, 'topic'>) => RPCClient;
}

/**
 * Creates the client of a manager. A call rejects with `PORTICO_RPC_NO_SUCH_METHOD` for a method that the manager does not expose,
 * `PORTICO_NOT_PLAIN` for arguments that are not plain data and `PORTICO_RPC_BAD_ARGUMENTS` for invalid ones (also for a local call, so
 * that it still works when the work moves), and as `RPCClient.call` for another host; errors that methods declare as expected keep their
 * class.
 */
export function managerApi<M extends object>(options: ManagerApiParts): ManagerApi<M> {
  // Looked up once for each manager; a restart may have created another one.
  const known = new WeakMap<object, Endpoints>();
  const methodsOf = (manager: object): Endpoints => {
    const methods = known.get(manager) ?? new Endpoints([manager], options.policy);
    known.set(manager, methods);
    return methods;
  };
  const parts: Parts = { ...options, methodsOf };
  const on = (host: string): ManagerCalls<M> => calls<M>(parts, host, {});
  return calls<M>(parts, parts.host, { on }) as ManagerApi<M>;
}

interface Parts extends ManagerApiParts {
  readonly methodsOf: (manager: object) => Endpoints;
}

function calls<M>(parts: Parts, host: string, own: object): ManagerCalls<M> {
  return methodCalls<ManagerCalls<M>>(
    async (method, context, args = {}) =>
      host === parts.host ? callHere(parts, method, context, args) : callThere(parts, host).call(context, method, args),
    own,
  );
}

async function callHere(
  { manager: running, topic, tracker, log, methodsOf }: Parts,
  method: string,
  context: unknown,
  args: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const behaviour = notPlain(args, 'args');
  if (behaviour !== undefined) {
    throw new PorticoError('PORTICO_NOT_PLAIN', {
      message: `${topic}: ${method} is called with other than plain data: ${behaviour}`,
      hint: 'Managers work with plain data: pass ids and values, not objects with methods.',
    });
  }
  const manager = running();
  if (manager === undefined) {
    throw new PorticoError('PORTICO_NOT_STARTED', {
      message: `${topic}: ${method} was called before the start, or after the stop`,
      hint: 'Await the start() of its service first.',
    });
  }
  const { namespace: ns, version: ver } = targetOf(manager);
  const served = methodsOf(manager).find({ method, ns, ver });
  const { name, call, tracked, checkArguments } = served;
  checkArguments?.(args);
  const { requestId } = (context ?? {}) as { requestId?: string };
  const work = (): unknown => call(context, args);
  try {
    return await (tracked ? tracker().record(name, work, { requestId }) : work());
  } catch (error) {
    if (!isIgnored(error, served)) throw error;
    logFailure(log, { name, error, isExpected: isExpected(error, served) }, { request_id: requestId });
    return null;
  }
}

/** The manager there may be an older one of the same interface. */
function callThere({ manager: running, remote, methodsOf }: Parts, server: string): RPCClient {
  const manager = running();
  const { namespace, version = FIRST_VERSION } = manager === undefined ? {} : targetOf(manager);
  const methods = manager === undefined ? [] : methodsOf(manager).methods;
  const asked = firstOfMajor(version);
  return remote({
    server,
    version: asked,
    // Every release of the interface has it, whatever its level.
    versionCap: asked,
    allowedErrors: methods.flatMap(({ options }) => options.expected ?? []),
    ...(namespace !== undefined && { namespace }),
  });
}

function targetOf(manager: object): EndpointTarget {
  return (manager as { readonly target?: EndpointTarget }).target ?? {};
}
