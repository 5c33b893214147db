/**
 * Errors on their way back: told as data by the server, made anew by the caller of the classes that it declared. No name in a
 * message ever loads anything.
 */
import { PorticoError } from '../../errors/index.js';
import { notPlain } from '../../service/internal.js';
import * as rpcErrors from '../errors.js';
import type { FailureEnvelope } from './envelope.js';

/** A class of errors, by its name. What it does in its constructor is not done for an error that comes back. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** What a rebuilt error has beside what its class has. */
export interface RemoteFailure {
  readonly remote: true;
  /** Who failed. */
  readonly remoteHost: string;
  readonly remoteBinary: string;
}

/** Members that every error has, or that travel by themselves. */
const OWN: ReadonlySet<string> = new Set(['message', 'stack', 'name', 'code', 'cause', 'remote']);

/** Characters of a message that was too long. */
const LONGEST_SHORTENED = 1000;

/** An error as it travels. `stack` is told only where it is asked for. */
export function failureOf(
  error: unknown,
  remote: FailureEnvelope['remote'],
  { expected = false, stack = false }: { readonly expected?: boolean; readonly stack?: boolean } = {},
): FailureEnvelope {
  if (!(error instanceof Error)) return { type: 'Error', message: textOf(error), expected, remote };
  const { code } = error as { code?: unknown };
  const members = Object.entries(error).filter(
    ([name, value]) => !OWN.has(name) && value !== undefined && notPlain(value) === undefined,
  );
  return {
    type: error.constructor.name,
    // Of one of ours the sentence: its place is in a file of another machine.
    message: error instanceof PorticoError ? error.sentence : textOf(error.message),
    expected,
    remote,
    ...(typeof code === 'string' ? { code } : {}),
    ...(members.length === 0 ? {} : { data: Object.fromEntries(members) }),
    ...(stack && error.stack !== undefined ? { stack: error.stack } : {}),
  };
}

/** What is left of a failure that is longer than a message may be. */
export function shortened(failure: FailureEnvelope): FailureEnvelope {
  const { message } = failure;
  const text = message.length > LONGEST_SHORTENED ? `${message.slice(0, LONGEST_SHORTENED)}…` : message;
  return { ...failure, message: text, data: undefined, stack: undefined };
}

/** Anything can be thrown, and some of it has no text. */
function textOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null ? 'an object that is no error' : String(thrown);
}

/** Makes errors of what came back. */
export class ErrorRebuilder {
  readonly #classes: ReadonlyMap<string, ErrorClass>;

  /** `allowed`: the classes that come back as themselves, beside those of `portico/rpc`. */
  constructor(allowed: readonly ErrorClass[] = []) {
    const own = Object.values(rpcErrors).filter((each) => each !== rpcErrors.RemoteError);
    this.#classes = new Map([...own, ...allowed].map((each) => [each.name, each as ErrorClass]));
  }

  rebuild({ type, code, message, data, remote, stack }: FailureEnvelope): Error & RemoteFailure {
    const known = this.#classes.get(type);
    const error =
      known === undefined
        ? new rpcErrors.RemoteError({ message, type, remoteCode: code, data })
        : instanceOf(known, code, message);
    for (const [name, value] of known === undefined ? [] : Object.entries({ ...data, ...(code && { code }) })) {
      // Defined, not assigned: a class may have a getter of that name.
      if (!OWN.has(name) || name === 'code') define(error, name, value, true);
    }
    // For the caller's log, behind its own stack; not part of what a service may answer with.
    if (stack !== undefined) define(error, 'remoteStack', stack, false);
    return Object.assign(error, { remote: true as const, remoteHost: remote.host, remoteBinary: remote.binary });
  }
}

/** With what Error and PorticoError have, and without the class's own constructor, whose arguments are not known. */
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
