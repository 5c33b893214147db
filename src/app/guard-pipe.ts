/**
 * A stream that is piped into a response writes its head, and no caller is above it to take what a listener of
 * `beforeHead` throws: Node ends the process over it.
 */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { afterResponse } from './after-response.js';

/**
 * From now on a head that fails under a piped stream goes to `fail`, which may still answer: the stream is taken off
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
      Object.assign(res, { [name]: Object.assign(guarded, { [GUARD]: true }) });
    }
  });
}

const GUARD: unique symbol = Symbol('portico.guardPipe');

/** Whether a method of a response was put there by {@link guardPipe}; for `lint`. */
export function isPipeGuard(method: unknown): boolean {
  return (method as { [GUARD]?: boolean } | undefined)?.[GUARD] === true;
}
