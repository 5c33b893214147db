/**
 * A response that has been answered over the head of its handler.
 */
import type { ServerResponse } from 'node:http';

/** What handlers call on a response. After the answer each would throw, often where nobody catches it. */
const CALLS = 'writeHead write end setHeader setHeaders appendHeader removeHeader flushHeaders addTrailers'.split(' ');

/**
 * Makes everything a handler still does with a response do nothing, once the response has been ended: for answers that
 * were given because the handler took too long. It cannot know, and its late answer must not bring the process down.
 */
export function muteWhenEnded(res: ServerResponse): void {
  res.once('prefinish', () => {
    for (const name of CALLS) {
      const silent = name === 'write' ? () => false : () => res;
      Object.defineProperty(res, name, { value: silent, configurable: true, writable: true });
    }
  });
}
