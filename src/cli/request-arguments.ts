/**
 * A request as a command line names it: method, URL and headers.
 */
import type { Command } from 'commander';
import { PorticoError } from '../errors/index.js';
import type { ImaginedRequest } from '../loader/internal.js';
import { canonicalTarget, type Refusal } from '../server/internal.js';
import { collect } from './command-line.js';
import { PASTE_OPTION } from './paste-file.js';

/** A request as it is named, its URL as a client sends it; where that is a whole one, with the port it is for. */
export interface NamedRequest extends Omit<ImaginedRequest, 'headers'> {
  /** Names in lower case, with each value of a field that comes again. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly port?: number;
}

/** Adds the words that name a request, and the app that it is for. */
export function addRequestArguments(command: Command): Command {
  return command
    .argument('<method>', 'GET, POST, …')
    .argument('<url>', 'a path with its query, or a whole URL, whose port says which API')
    .option('--api <name>', 'an API, or an app of the paste file (default: the only one)')
    .option(...PASTE_OPTION)
    .option('-H, --header <header>', '"Name: value"; may repeat', collect);
}

/** Reads a path with its query, or a whole URL, and `Name: value` for each header. */
export function namedRequest(method: string, url: string, headers: readonly string[] = []): NamedRequest {
  const whole = url.includes('://') ? parsed(url) : undefined;
  return {
    method: method.toUpperCase(),
    url: sendable(whole === undefined ? url : whole.pathname + whole.search),
    headers: { host: [whole?.host ?? 'localhost'], ...headersOf(headers) },
    secure: whole?.protocol === 'https:',
    ...(whole === undefined ? {} : { port: Number(whole.port) || (whole.protocol === 'https:' ? 443 : 80) }),
  };
}

/** The request as the server hands it to the app, its path in the canonical spelling; or why the server refuses that path. */
export function admitted(request: NamedRequest): ImaginedRequest | Refusal {
  const target = canonicalTarget(request.method, request.url);
  if ('status' in target) return target;
  const joined = Object.entries(request.headers).map(([name, values]) => [
    name,
    values.join(name === 'cookie' ? '; ' : ', '),
  ]);
  return { ...request, url: target.url, headers: Object.fromEntries(joined) };
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

/** With escapes for what cannot stand in the head of a request. */
function sendable(url: string): string {
  if (!url.startsWith('/') && url !== '*') {
    throw new PorticoError('PORTICO_USAGE', {
      message: `${url} is no path: a path begins with "/"`,
      hint: `Write /${url}`,
    });
  }
  return url.replace(/[^!-~]+/g, encodeURIComponent);
}

function headersOf(lines: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const header of lines) {
    const colon = header.indexOf(':');
    if (colon < 1) {
      throw new PorticoError('PORTICO_USAGE', {
        message: `${JSON.stringify(header)} is not of the form "Name: value"`,
      });
    }
    const name = header.slice(0, colon).trim().toLowerCase();
    headers[name] = [...(headers[name] ?? []), header.slice(colon + 1).trim()];
  }
  return headers;
}
