/**
 * A request given on a command line: method, URL and headers, and the app that it is for.
 */
import type { Command } from 'commander';
import type { Config } from '../../config/index.js';
import { UsageError } from '../../config/internal.js';
import { Loader } from '../../loader/index.js';
import { silentLogger } from '../../log/internal.js';
import { type PlannedApi, pathsOf, type TriedRequest, wsgiOptions } from '../../server/internal.js';
import { unknownName } from '../command.js';
import { collect, type OutputArguments } from '../command-line.js';
import { configuredPasteFile, PASTE_OPTION, readConfiguration } from '../configured/configuration.js';
import { chosenApis, loaderOf } from '../validate/api-routers.js';

/** A request of a command line; for an absolute URL, with the port it is for. */
export interface NamedRequest extends TriedRequest {
  readonly port?: number;
}

/** Adds the arguments that give a request, and the app that it is for. */
export function addRequestArguments(command: Command): Command {
  return command
    .argument('<method>', 'GET, POST, …')
    .argument('<url>', 'path and query, or a full URL, whose port selects the API')
    .option('--api <name>', 'an API or app of the paste file (default: the only one)')
    .option(...PASTE_OPTION)
    .option('-H, --header <header>', '"Name: value"; may repeat', collect)
    .option('-d, --data <text>', 'body, as JSON unless a Content-Type is given');
}

/** Parses a path with its query, or an absolute URL, and `Name: value` for each header. */
export function namedRequest(
  method: string,
  url: string,
  { header = [], data }: Pick<RequestArguments, 'header' | 'data'>,
): NamedRequest {
  const whole = url.includes('://') ? parsed(url) : undefined;
  return {
    method: method.toUpperCase(),
    url: sendable(whole === undefined ? url : whole.pathname + whole.search),
    headers: { host: [whole?.host ?? 'localhost'], ...headersOf(header) },
    secure: whole?.protocol === 'https:',
    body: data,
    ...(whole === undefined ? {} : { port: Number(whole.port) || (whole.protocol === 'https:' ? 443 : 80) }),
  };
}

function parsed(url: string): URL {
  try {
    return new URL(url);
  } catch {
    const hint = 'Write a path, as in /v2.1/servers?limit=1, or a whole URL: http://127.0.0.1:8774/v2.1/servers';
    throw new UsageError(`${url} is not a URL`, hint);
  }
}

/** Escapes characters that the headers of a request cannot have. */
function sendable(url: string): string {
  if (!url.startsWith('/') && url !== '*') {
    throw new UsageError(`${url} is not a path: a path begins with "/"`, `Write /${url}`);
  }
  return url.replace(/[^!-~]+/g, encodeURIComponent);
}

function headersOf(lines: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const header of lines) {
    const colon = header.indexOf(':');
    if (colon < 1) throw new UsageError(`${JSON.stringify(header)} is not of the form "Name: value"`);
    const name = header.slice(0, colon).trim().toLowerCase();
    headers[name] = [...(headers[name] ?? []), header.slice(colon + 1).trim()];
  }
  return headers;
}

/** Options of {@link addRequestArguments}. */
export interface RequestArguments extends OutputArguments {
  readonly paste?: string;
  readonly api?: string;
  readonly header?: readonly string[];
  readonly data?: string;
}

/**
 * Returns the first app of a request, the loader of its paste file, and the limits of its server. The app is the API of that name or at the
 * port of the URL, an app of the paste file, or the only one.
 */
export async function namedApp({ port }: NamedRequest, args: RequestArguments) {
  const config = await readConfiguration(args);
  const apis = args.paste === undefined ? (await chosenApis(config, undefined)).filter((api) => api.pasteFile) : [];
  const there = apis.filter((api) => port !== undefined && portsOf(api).includes(port));
  const named = args.api === undefined ? undefined : apis.filter(({ name }) => name === args.api);
  const [api, ...others] = named ?? (there.length > 0 ? there : apis);
  if (api !== undefined && others.length === 0) {
    return { loader: loaderOf(api, config), app: api.pipeline, limits: limitsOf(config, api.name) };
  }
  const loader = new Loader(args.paste ?? configuredPasteFile(config), { config, log: silentLogger() });
  if (args.api !== undefined) {
    if (loader.has(args.api)) return { loader, app: args.api, limits: limitsOf(config) };
    const apps = loader.sections().flatMap(({ kind, name }) => (kind === 'app' ? [name] : []));
    const names = [...new Set([...apis.map(({ name }) => name), ...apps])];
    const label = names.length > apis.length ? 'APIs and apps' : 'APIs';
    throw unknownName(`no API and no app of ${loader.path} is called "${args.api}"`, args.api, names, label);
  }
  const roots = apis.length > 0 ? apis.map(({ name }) => name) : loader.roots();
  if (roots.length === 1) return { loader, app: roots[0]!, limits: limitsOf(config) };
  if (port !== undefined && apis.length > 0 && there.length === 0) {
    const ports = apis.flatMap((each) => portsOf(each).map((own) => `${own} (${each.name})`));
    throw new UsageError(`no API has port ${port}`, `Ports: ${ports.join(', ') || 'none'}. Or select one with --api.`);
  }
  if (roots.length === 0) throw new UsageError(`${loader.path} has no root app`, 'Select one with --api.');
  const several = apis.length > 0 ? 'several APIs are enabled' : `${loader.path} has several root apps`;
  throw new UsageError(`${several}: ${roots.join(', ')}`, 'Select one with --api.');
}

/** Returns the limits of the server of an API. */
export function limitsOf(config: Config, name?: string) {
  return { ...config.group('wsgi', wsgiOptions), paths: pathsOf(config, name) };
}

/** Returns the ports of an API. */
export function portsOf({ addresses }: PlannedApi): number[] {
  return addresses.flatMap((address) => ('port' in address ? [address.port] : []));
}
