/**
 * Endpoints of a server, in order: finds the method of a request by namespace and version, and turns its errors into log lines and replies,
 * for calls of other processes and of this one.
 */
import { didYouMean, type Logger, PorticoError } from 'portico/extension';
import { BadArguments, NoSuchMethod, ServerShuttingDown, UnsupportedVersion } from '../errors.js';
import {
  type ExposurePolicy,
  exposedMethods,
  isUntracked,
  methodOptions,
  type RemoteMethod,
  type RpcMethodOptions,
} from '../exposed-methods.js';
import type { RequestEnvelope } from '../message/envelope.js';
import { checkVersion, FIRST_VERSION, isCompatible } from '../message/versions.js';
import { type ArgumentCheck, ArgumentChecks } from './arguments.js';

/** Member `target` of an endpoint: its namespace and version. */
export interface EndpointTarget {
  /** A separate interface on the topic. Default: none. */
  readonly namespace?: string;
  /** Default 1.0. Two majors at the same time are two endpoints. */
  readonly version?: string;
  /** Earlier names, while callers still use them. */
  readonly acceptedNamespaces?: readonly string[];
}

/** A served method. */
export interface ServedMethod {
  /** `Images.resize`, for logs and lists of tasks. */
  readonly name: string;
  readonly call: RemoteMethod;
  readonly options: RpcMethodOptions;
  readonly tracked: boolean;
  /** Throws `BadArguments`. Undefined: any arguments. */
  readonly checkArguments: ArgumentCheck | undefined;
}

/** A served endpoint. */
export interface ServedEndpoint {
  /** Its present name first; undefined: none. */
  readonly namespaces: ReadonlySet<string | undefined>;
  readonly version: string;
  readonly methods: ReadonlyMap<string, ServedMethod>;
}

/** Methods of a server. */
export class Endpoints {
  readonly #endpoints: readonly ServedEndpoint[];

  /**
   * Throws as `exposedMethods`, `InvalidTarget` for an invalid version, and `PORTICO_RPC_METHOD` for an invalid
   * schema: names are looked up once, when a server starts.
   */
  constructor(endpoints: readonly object[], policy?: ExposurePolicy) {
    const checks = new ArgumentChecks();
    this.#endpoints = endpoints.map((endpoint) => read(endpoint, checks, policy));
  }

  /** Endpoints, in order. */
  get described(): readonly ServedEndpoint[] {
    return this.#endpoints;
  }

  /** All served methods, for checks at the start. */
  get methods(): readonly ServedMethod[] {
    return this.#endpoints.flatMap(({ methods }) => [...methods.values()]);
  }

  /**
   * Returns the method of the first endpoint that has it under the requested namespace and version. Throws `NoSuchMethod` if a matching
   * endpoint has no such method, `UnsupportedVersion` if none matches.
   */
  find({ method, ns, ver = FIRST_VERSION }: Pick<RequestEnvelope, 'method' | 'ns' | 'ver'>): ServedMethod {
    const named = this.#endpoints.filter(({ namespaces }) => namespaces.has(ns));
    const fitting = named.filter(({ version }) => isCompatible(version, ver));
    for (const { methods } of fitting) {
      const found = methods.get(method);
      if (found !== undefined) return found;
    }
    const where = ns === undefined ? '' : ` in namespace ${ns}`;
    if (fitting.length > 0) {
      const names = fitting.flatMap(({ methods }) => [...methods.keys()]);
      throw new NoSuchMethod({
        message: `there is no method "${method}"${where}`,
        hint: didYouMean(method, names) ?? `There are: ${names.join(', ') || 'none'}.`,
      });
    }
    const versions = named.map(({ version }) => version).join(', ');
    throw new UnsupportedVersion({
      message: `"${method}" was requested in version ${ver}${where}: there is ${versions || 'no such namespace'}`,
    });
  }
}

function read(endpoint: object, checks: ArgumentChecks, policy: ExposurePolicy | undefined): ServedEndpoint {
  const { target = {} } = endpoint as { target?: EndpointTarget };
  const { namespace, version = FIRST_VERSION, acceptedNamespaces = [] } = target;
  const className = endpoint.constructor === Object ? 'endpoint' : endpoint.constructor.name;
  checkVersion(`the target of ${className}`, version);
  const methods = new Map<string, ServedMethod>();
  for (const [method, call] of exposedMethods(endpoint, policy)) {
    const written = (endpoint as Readonly<Record<string, unknown>>)[method];
    const options = methodOptions(written);
    const name = `${className}.${method}`;
    const checkArguments = options.args && checks.check(name, options.args);
    methods.set(method, { name, call, options, tracked: !isUntracked(written), checkArguments });
  }
  return { namespaces: new Set([namespace, ...acceptedNamespaces]), version, methods };
}

/** Suffix of methods whose errors are logged, while their callers get null. */
const IGNORING = '_ignore_errors';

/** Reports whether the server ended before the method did. Excludes the error of a call that the method made to another server. */
export function isCutOff(error: unknown): error is ServerShuttingDown {
  return error instanceof ServerShuttingDown && !('remote' in error);
}

/** Reports whether the method is expected to throw it: its server works. */
export function isExpected(error: unknown, { options }: ServedMethod): boolean {
  return isCutOff(error) || (options.expected?.some((each) => error instanceof each) ?? false);
}

/** Reports whether the caller gets null in place of the error. A method that was cut off has not failed: it may be called again. */
export function isIgnored(error: unknown, { name }: ServedMethod): boolean {
  return name.endsWith(IGNORING) && !isCutOff(error);
}

/** A failed method and its error. */
interface Failure {
  /** Name of the method in logs. */
  readonly name: string;
  readonly error: unknown;
  readonly isExpected: boolean;
}

/** Logs at error with the stack, or an expected failure at debug and without. */
export function logFailure(
  log: Logger,
  { name, error, isExpected: expected }: Failure,
  facts: Readonly<Record<string, unknown>>,
): void {
  if (!expected) log.error({ err: error, ...facts }, `${name} failed`);
  // Its message quotes arguments, which are logged at trace only.
  else if (error instanceof BadArguments && !log.enabled('trace'))
    log.debug({ ...facts }, `${name}: its arguments do not match its schema`);
  else log.debug({ ...facts }, `${name}: ${messageOf(error)}`);
}

function messageOf(error: unknown): string {
  if (error instanceof PorticoError) return error.describe();
  return error instanceof Error ? error.message : String(error);
}
