/**
 * What is common to all that replaces methods of a response; and the replacement that guards a piped stream.
 */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { afterResponse } from './after-response.js';

/** What is told of the end of a write. */
export type Callback = (error?: Error | null) => void;

/** On a method: the method itself, so that a wrapper to which other code has copied all properties is not taken for it. */
const OWN: unique symbol = Symbol('portico.ownPatch');

/** Marks a method that this directory puts in the place of a response's. */
export function ownPatch<T extends object>(method: T): T {
  // Not kept in a WeakSet: most are closures, several for each response, and adding those took longer than making them.
  (method as { [OWN]?: object })[OWN] = method;
  return method;
}

/** Whether a method of a response was put there by this directory, and not by other code; for `lint`. */
export function isOwnPatch(method: object): boolean {
  const own = (method as { [OWN]?: object } | undefined)?.[OWN];
  return own !== undefined && own === method;
}

/** The callback among the arguments of a `write` or `end`. */
export function callbackOf(args: readonly unknown[]): Callback | undefined {
  return args.find((argument) => typeof argument === 'function') as Callback | undefined;
}

/** Whether a response with this status, to this request, may have a body (RFC 9110 §6.4.1). */
export function mayHaveBody({ req, statusCode }: ServerResponse): boolean {
  return req.method !== 'HEAD' && statusCode >= 200 && statusCode !== 204 && statusCode !== 304;
}

/**
 * A stream that is piped into a response writes its head, and no caller is above it to take what a listener of `beforeHead`
 * throws: Node ends the process over it. From now on a head that fails under a piped stream goes to `fail`, which may still answer: the stream is taken off
 * first, and destroyed after the answer. What fails behind the head is thrown as ever.
 */
export function guardPipe(res: ServerResponse, fail: (error: unknown) => void): void {
  res.once('pipe', (source: Readable) => {
    if (!Object.hasOwn(res, 'writeHead')) return;
    const below = new Map(
      (['write', 'end'] as const).map((name) => [name, Object.getOwnPropertyDescriptor(res, name)]),
    );
    const restore = (): void => {
      for (const [name, own] of below) {
        if (own === undefined) Reflect.deleteProperty(res, name);
        else Object.defineProperty(res, name, own);
      }
    };
    for (const name of below.keys()) {
      const method = res[name] as (...args: unknown[]) => unknown;
      const guarded = (...args: unknown[]): unknown => {
        // The head is written once: afterwards this layer goes, unless other code has put a wrapper on top.
        const isOutermost = (res[name] as unknown) === guarded;
        try {
          const result = method.apply(res, args);
          if (isOutermost && res.headersSent) restore();
          return result;
        } catch (error) {
          if (res.headersSent) throw error;
          if (isOutermost) restore();
          source.unpipe(res);
          // Not now: Fastify takes the end of its stream for that of the answer, and would destroy the one in its place.
          afterResponse(res, () => source.destroy());
          fail(error);
          return false;
        }
      };
      Object.assign(res, { [name]: ownPatch(guarded) });
    }
  });
}
