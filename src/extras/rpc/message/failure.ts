/**
 * Errors of remote methods: converted to data by the server, and rebuilt by the caller from the classes that it declared. A name in a
 * message never loads code.
 */
import { ignoreErrors, PorticoError } from 'portico/extension';
import { notPlain } from 'portico/service';
import * as rpcErrors from '../errors.js';
import { isRecord } from './typed-json.js';
import type { FailureArguments, FailureEnvelope } from './wire-failure.js';

/** A class of errors, identified by name. Its constructor does not run for a rebuilt error. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** Members of a rebuilt error, in addition to those of its class. */
export interface RemoteFailure {
  readonly remote: true;
  /** Name of the process that failed. */
  readonly remoteHost: string;
  readonly remoteBinary: string;
}

/** Members that every error has, or that are sent separately. */
const OWN: ReadonlySet<string> = new Set(['message', 'stack', 'name', 'code', 'cause', 'remote']);

/** Length of a shortened message, in characters. */
const LONGEST_SHORTENED = 1000;

/** Converts the readable parts of an error to data: not its stack, which may show more than a caller should know. */
export function failureOf(
  error: unknown,
  remote: FailureEnvelope['remote'],
  { expected = false }: { readonly expected?: boolean } = {},
): FailureEnvelope {
  if (ignoreErrors(() => error instanceof Error) !== true) {
    return { type: 'Error', message: textOf(error), expected, remote };
  }
  const thrown = error as Error & { readonly code?: unknown };
  const code = ignoreErrors(() => thrown.code);
  const made = ignoreErrors(() => argumentsOf(thrown));
  const data = ignoreErrors(() => dataOf(thrown)) ?? {};
  return {
    type: ignoreErrors(() => remoteName(thrown.constructor)) ?? 'Error',
    // For errors of Portico only the sentence: the location is in a file of another machine.
    message:
      ignoreErrors(() => (thrown instanceof PorticoError ? thrown.sentence : textOf(thrown.message))) ??
      'an error whose message cannot be read',
    expected,
    remote,
    ...(typeof code === 'string' ? { code } : {}),
    ...(Object.keys(data).length === 0 ? {} : { data }),
    ...(made === undefined ? {} : { made }),
  };
}

/** Returns the members of an error that are plain data. */
function dataOf(error: Error): Record<string, unknown> {
  const data: [string, unknown][] = [];
  for (const name of Object.keys(error)) {
    if (OWN.has(name)) continue;
    const value = ignoreErrors(() => (error as unknown as Readonly<Record<string, unknown>>)[name]);
    if (value !== undefined && ignoreErrors(() => notPlain(value) === undefined) === true) data.push([name, value]);
  }
  return Object.fromEntries(data);
}

/** Returns the remote name of a class of errors: its static `remoteName`, such as `images.exceptions.NotFound`, else its name. */
function remoteName(errors: object): string {
  const { remoteName: given, name } = errors as { readonly remoteName?: unknown; readonly name: string };
  return typeof given === 'string' ? given : textOf(name);
}

/** Returns the arguments of an exception in Python, `args` and `kwargs`, if they are plain data. */
function argumentsOf(error: Error): FailureArguments | undefined {
  const { args, kwargs } = error as { readonly args?: unknown; readonly kwargs?: unknown };
  const made = {
    ...(Array.isArray(args) && notPlain(args) === undefined ? { args: args as unknown[] } : {}),
    ...(isRecord(kwargs) && notPlain(kwargs) === undefined ? { kwargs } : {}),
  };
  return Object.keys(made).length === 0 ? undefined : made;
}

/** Shortens a failure to the allowed length of a message. */
export function shortened(failure: FailureEnvelope): FailureEnvelope {
  const { message } = failure;
  const text = message.length > LONGEST_SHORTENED ? `${message.slice(0, LONGEST_SHORTENED)}…` : message;
  return { ...failure, message: text, data: undefined, stack: undefined, made: undefined };
}

/** Any value can be thrown, even one without a text form. */
function textOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null ? 'an object that is not an error' : String(thrown);
}

/** Rebuilds errors from replies. */
export class ErrorRebuilder {
  readonly #classes: ReadonlyMap<string, ErrorClass>;
  readonly #allowed: ReadonlySet<ErrorClass>;

  /** `allowed`: classes that are rebuilt, in addition to those of `portico/rpc`. */
  constructor(allowed: readonly ErrorClass[] = []) {
    const own = Object.values(rpcErrors).filter((each) => each !== rpcErrors.RemoteError);
    this.#classes = new Map([
      ...allowed.map((each) => [each.name, each] as const),
      ...own.map((each) => [each.name, each as ErrorClass] as const),
      ...allowed.map((each) => [remoteName(each), each] as const),
    ]);
    this.#allowed = new Set(allowed);
  }

  rebuild({ type, code, message, data, remote, stack, made }: FailureEnvelope): Error & RemoteFailure {
    const known = this.#classes.get(type) ?? this.#inAnyModule(type);
    const error =
      known === undefined
        ? new rpcErrors.RemoteError({ message, type, remoteCode: code, data })
        : instanceOf(known, code, message);
    for (const [name, value] of known === undefined ? [] : Object.entries({ ...data, ...(code && { code }) })) {
      // Defined, not assigned: a class may have a getter of that name. Members that every object inherits are not replaced.
      if ((!OWN.has(name) || name === 'code') && !(name in Object.prototype)) define(error, name, value, true);
    }
    // For the caller's log, after its own stack; not part of a service's responses.
    if (stack !== undefined) define(error, 'remoteStack', stack, false);
    // For callers that pass it on.
    for (const [name, value] of Object.entries(made ?? {})) if (!(name in error)) define(error, name, value, false);
    return Object.assign(error, { remote: true as const, remoteHost: remote.host, remoteBinary: remote.binary });
  }

  /** Reports whether it came from another server as one of the allowed classes, so that the caller handles it. */
  isAllowed(error: unknown): boolean {
    return error instanceof Error && 'remote' in error && [...this.#allowed].some((each) => error instanceof each);
  }

  /** Finds a class that was declared without a module, for an error whose name has one. */
  #inAnyModule(type: string): ErrorClass | undefined {
    const known = type.includes('.') ? this.#classes.get(type.slice(type.lastIndexOf('.') + 1)) : undefined;
    return known !== undefined && this.#allowed.has(known) && remoteName(known) === known.name ? known : undefined;
  }
}

/** Creates an instance with the members of Error and PorticoError, without the class's constructor, whose arguments are unknown. */
function instanceOf(known: ErrorClass, code: string | undefined, message: string): Error {
  if (known.prototype instanceof PorticoError) {
    return Reflect.construct(PorticoError, [code ?? 'PORTICO_RPC_REMOTE_ERROR', { message }], known) as Error;
  }
  const error = Reflect.construct(Error, [message], known) as Error;
  if (error.name === 'Error') define(error, 'name', known.name, false);
  return error;
}

function define(error: Error, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, name, { value, enumerable, configurable: true, writable: true });
}
