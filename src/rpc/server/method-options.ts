/**
 * What a method says of how calls of it are served.
 */
import { PorticoError } from '../../errors/index.js';
import type { ErrorClass } from '../message/failure.js';
import type { ArgumentSchema } from './argument-check.js';

/** Said with {@link rpc}. */
export interface RpcMethodOptions {
  /**
   * The JSON Schema (draft-07) that its arguments are checked by, as they travel: names that it has not are refused, unless it says
   * `additionalProperties`. A failed check is `BadArguments`. Default: nothing is checked.
   */
  readonly args?: ArgumentSchema;
  /**
   * When the broker may forget a call: when the method begins (`start`, the default: it runs once at most), or when it has
   * ended (`late`: it runs again after a crash, so it must be `idempotent`).
   */
  readonly ack?: 'start' | 'late';
  /** Running it twice comes to the same as running it once. */
  readonly idempotent?: boolean;
  /** Seconds after which a `late` call comes back that failed with an error marked `retryable: true`. Default 5. */
  readonly retryDelay?: number;
  /** Runs for long: not together with `late`, whose time brokers limit. */
  readonly long?: boolean;
  /** Errors that the method may well end with: logged at debug and without stack. */
  readonly expected?: readonly ErrorClass[];
  /** Served on the second topic, while the service drains: what others must be able to say to an operation that ends. */
  readonly continuation?: boolean;
}

const RPC: unique symbol = Symbol('portico.rpc');

/**
 * Says how calls of a method are served: `@rpc({ ack: 'late', idempotent: true })`. Nothing is wrapped, and nothing exposed.
 * Throws `PORTICO_RPC_METHOD` for options that do not go together.
 */
export function rpc(
  options: RpcMethodOptions,
): <F extends (this: never, ...args: never[]) => unknown>(method: F, context?: ClassMethodDecoratorContext) => F {
  const { ack, idempotent, long } = options;
  if (ack === 'late' && idempotent !== true) {
    throw refused('a method that is acknowledged late may run twice', 'Say idempotent: true if that is no matter.');
  }
  if (ack === 'late' && long === true) {
    throw refused(
      'a long method is not acknowledged late: brokers close the channel of a consumer that takes too long',
      'Acknowledge at the start, and have the work found again by a periodic task.',
    );
  }
  return (method) => {
    Object.defineProperty(method, RPC, { value: Object.freeze({ ...options }) });
    return method;
  };
}

/** What a method says of itself. */
export function methodOptions(method: unknown): RpcMethodOptions {
  return (method as { [RPC]?: RpcMethodOptions })[RPC] ?? {};
}

function refused(message: string, hint: string): PorticoError {
  return new PorticoError('PORTICO_RPC_METHOD', { message, hint });
}
