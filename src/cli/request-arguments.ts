/**
 * A request as a command line names it: method, URL and headers.
 */
import { writtenPath } from '../app/index.js';
import { encodedPath } from '../app/internal.js';
import { PorticoError } from '../errors/index.js';
import type { ImaginedRequest } from '../loader/internal.js';

/** A request as it is named; where the URL is a whole one, with the port it is for. */
export interface NamedRequest extends ImaginedRequest {
  readonly port?: number;
}

/** Reads a path with its query, or a whole URL, and `Name: value` for each header. */
export function namedRequest(method: string, url: string, headers: readonly string[] = []): NamedRequest {
  const whole = url.includes('://') ? parsed(url) : undefined;
  return {
    method: method.toUpperCase(),
    url: canonical(whole === undefined ? url : whole.pathname + whole.search),
    headers: { host: whole?.host ?? 'localhost', ...headersOf(headers) },
    secure: whole?.protocol === 'https:',
    ...(whole === undefined ? {} : { port: Number(whole.port) || (whole.protocol === 'https:' ? 443 : 80) }),
  };
}

/** An option that may come again: each value behind those before. */
export function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function parsed(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new PorticoError('PORTICO_USAGE', {
      message: `${url} is no URL`,
      hint: 'Write a path, as in /v2.1/servers?limit=1, or a whole URL: http://127.0.0.1:8774/v2.1/servers',
    });
  }
}

/** As the server spells it before the first mount. */
function canonical(url: string): string {
  if (!url.startsWith('/') && url !== '*') {
    throw new PorticoError('PORTICO_USAGE', {
      message: `${url} is no path: a path begins with "/"`,
      hint: `Write /${url}`,
    });
  }
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return encodedPath(writtenPath(path)) + url.slice(path.length);
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const header of lines) {
    const colon = header.indexOf(':');
    if (colon < 1) {
      throw new PorticoError('PORTICO_USAGE', {
        message: `${JSON.stringify(header)} is not of the form "Name: value"`,
      });
    }
    headers[header.slice(0, colon).trim().toLowerCase()] = header.slice(colon + 1).trim();
  }
  return headers;
}
