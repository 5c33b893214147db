/**
 * Headers that an error brings along: only those that HTTP allows.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';

type HeaderValue = string | number | readonly string[];

/**
 * The headers that can be sent, as pairs. One with an illegal name or value is left out: it came with an error, and
 * a second error while answering the first would leave the client without any answer.
 */
export function usableHeaders(
  headers: Readonly<Record<string, HeaderValue | undefined>>,
): [name: string, value: HeaderValue][] {
  const usable: [string, HeaderValue][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && isUsable(name, value)) usable.push([name, value]);
  }
  return usable;
}

function isUsable(name: string, value: HeaderValue): boolean {
  try {
    validateHeaderName(name);
    for (const one of typeof value === 'object' ? value : [String(value)]) validateHeaderValue(name, one);
    return true;
  } catch {
    return false;
  }
}
