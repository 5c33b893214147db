/**
 * The headers that an action gives its answer.
 */
import { type OutgoingHttpHeader, validateHeaderName, validateHeaderValue } from 'node:http';
import { joinVary } from '../versions/version-negotiation.js';

/** Where they are set: Node's response, or Fastify's reply. */
export interface HeadersTarget {
  get(name: string): OutgoingHttpHeader | undefined;
  set(name: string, value: OutgoingHttpHeader): void;
}

/**
 * Sets headers, each in place of one of its name; `Vary` is joined with what stands there. Throws what Node throws for a
 * name or a value that HTTP does not allow: now, while a 500 can still be answered instead.
 */
export function setAnswerHeaders(
  target: HeadersTarget,
  headers: Iterable<readonly [string, OutgoingHttpHeader | undefined]>,
): void {
  for (const [written, value] of headers) {
    if (value === undefined) continue;
    validateHeaderName(written);
    for (const one of Array.isArray(value) ? value : [String(value)]) validateHeaderValue(written, one);
    const name = written.toLowerCase();
    const present = name === 'vary' ? target.get('vary') : undefined;
    target.set(name, present === undefined ? value : joinVary(String(present), String(value)));
  }
}
