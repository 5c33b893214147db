/**
 * The endpoints of a server, in order: finds the method of a request by namespace and version, and turns its errors into log lines and
 * replies, the same for calls of other processes and of this one.
 */
import { didYouMean, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { isUntracked } from '../../service/internal.js';
import { BadArguments, NoSuchMethod, ServerShuttingDown, UnsupportedVersion } from '../errors.js';
import {
  type ExposurePolicy,
  exposedMethods,
  methodOptions,
  type RemoteMethod,
  type RpcMethodOptions,
} from '../exposed-methods.js';
import type { RequestEnvelope } from '../message/envelope.js';
import { checkVersion, FIRST_VERSION, isCompatible } from '../message/versions.js';
import { type ArgumentCheck, ArgumentChecks } from './arguments.js';

/** The member `target` of an endpoint: its namespace and version. */
export interface EndpointTarget {
  /** A separate interface on the topic. Default: none. */
  readonly namespace?: string;
  /** Default 1.0. Two majors at once are two endpoints. */
  readonly version?: string;
  /** Names it had before, while callers still use them. */
  readonly acceptedNamespaces?: readonly string[];
}

/** A method, as it is served. */
export interface ServedMethod {
  /** `Images.resize`, for logs and lists of tasks. */
  readonly name: string;
  readonly call: RemoteMethod;
  readonly options: RpcMethodOptions;
  readonly tracked: boolean;
  /** Throws `BadArguments`. Undefined: it takes any. */
  readonly checkArguments: ArgumentCheck | undefined;
}

/** An endpoint, as it is served. */
export interface ServedEndpoint {
  /** Its own first; undefined: none. */
  readonly namespaces: ReadonlySet<string | undefined>;
  readonly version: string;
  readonly methods: ReadonlyMap<string, ServedMethod>;
}

/** The methods of a server. */
export class Endpoints {
  readonly #endpoints: readonly ServedEndpoint[];

  /**
   * `serves`: which methods. Throws as `exposedMethods`, `InvalidTarget` for a version that is none, and `PORTICO_RPC_METHOD` for
   * a schema that is none: names are looked up once, when a server begins.
   */
  constructor(
    endpoints: readonly object[],
    policy?: ExposurePolicy,
    serves: (options: RpcMethodOptions) => boolean = () => true,
  ) {
    const checks = new ArgumentChecks();
    this.#endpoints = endpoints.map((endpoint) => read(endpoint, checks, policy, serves));
  }

  /** The endpoints, in order. */
  get described(): readonly ServedEndpoint[] {
    return this.#endpoints;
  }

  /** Everything that is served, for checks at the start. */
  get methods(): readonly ServedMethod[] {
    return this.#endpoints.flatMap(({ methods }) => [...methods.values()]);
  }

  /** Whether a request means a method that is acknowledged when it has ended. */
  isLate({ method, ns, ver = FIRST_VERSION }: Pick<RequestEnvelope, 'method' | 'ns' | 'ver'>): boolean {
    if (!this.hasLate) return false;
    const fits = this.#endpoints.filter((each) => each.namespaces.has(ns) && isCompatible(each.version, ver));
    return fits.find(({ methods }) => methods.has(method))?.methods.get(method)?.options.ack === 'late';
  }

  /** Whether any method is acknowledged when it has ended. */
  get hasLate(): boolean {
    return this.methods.some(({ options }) => options.ack === 'late');
  }

  /**
   * The method of the first endpoint that has it, under the namespace and in a version that are asked for. Throws
   * `NoSuchMethod` where an endpoint fits and has no such method, `UnsupportedVersion` where none fits.
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

function read(
  endpoint: object,
  checks: ArgumentChecks,
  policy: ExposurePolicy | undefined,
  serves: (options: RpcMethodOptions) => boolean,
): ServedEndpoint {
  const { target = {} } = endpoint as { target?: EndpointTarget };
  const { namespace, version = FIRST_VERSION, acceptedNamespaces = [] } = target;
  const className = endpoint.constructor === Object ? 'endpoint' : endpoint.constructor.name;
  checkVersion(`the target of ${className}`, version);
  const methods = new Map<string, ServedMethod>();
  for (const [method, call] of exposedMethods(endpoint, policy)) {
    const written = (endpoint as Readonly<Record<string, unknown>>)[method];
    const options = methodOptions(written);
    if (!serves(options)) continue;
    const name = `${className}.${method}`;
    const checkArguments = options.args && checks.check(name, options.args);
    methods.set(method, { name, call, options, tracked: !isUntracked(written), checkArguments });
  }
  return { namespaces: new Set([namespace, ...acceptedNamespaces]), version, methods };
}

/** Errors of methods whose names end so are logged, and their callers get null. */
const IGNORING = '_ignore_errors';

/** The server ended before the method did. The error of a call that the method made is about another server. */
export function isCutOff(error: unknown): error is ServerShuttingDown {
  return error instanceof ServerShuttingDown && !('remote' in error);
}

/** The method may well end so: its server is in order. */
export function isExpected(error: unknown, { options }: ServedMethod): boolean {
  return isCutOff(error) || (options.expected?.some((each) => error instanceof each) ?? false);
}

/** The caller gets null instead. A method that was cut off has not failed: it may be called again. */
export function isIgnored(error: unknown, { name }: ServedMethod): boolean {
  return name.endsWith(IGNORING) && !isCutOff(error);
}

/** A failed method and its error. */
interface Failure {
  /** The method, as logs call it. */
  readonly name: string;
  readonly error: unknown;
  readonly isExpected: boolean;
}

/** At error with its stack, one that is expected at debug and without. */
export function logFailure(
  log: Logger,
  { name, error, isExpected: expected }: Failure,
  facts: Readonly<Record<string, unknown>>,
): void {
  if (!expected) log.error(`${name} failed`, { err: error, ...facts });
  // Its message quotes arguments, and these are told at trace alone.
  else if (error instanceof BadArguments && !log.enabled('trace'))
    log.debug(`${name}: its arguments do not match its schema`, { ...facts });
  else log.debug(`${name}: ${messageOf(error)}`, { ...facts });
}

function messageOf(error: unknown): string {
  if (error instanceof PorticoError) return error.describe();
  return error instanceof Error ? error.message : String(error);
}
