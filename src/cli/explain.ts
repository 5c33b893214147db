/**
 * `api-cli explain`: what would happen to a request, before it is sent. Nothing is created and nothing runs.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import { writtenPath } from '../app/index.js';
import { encodedPath } from '../app/internal.js';
import { PorticoError } from '../errors/index.js';
import { Loader } from '../loader/index.js';
import { type ExplainedStep, explainRequest } from '../loader/internal.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { pasteFile } from './paste-file.js';

interface ExplainArguments extends ConfigurationArguments {
  readonly paste?: string;
  readonly api?: string;
  readonly header?: readonly string[];
  readonly json?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('explain')
    .description('tell what would happen to a request: mounts, filters in order, path rewrites, the app')
    .argument('<method>', 'GET, POST, …')
    .argument('<url>', 'a path with its query, or a whole URL')
    .option('--api <app>', 'the app to begin with (default: the only one that nothing else mentions)')
    .option('--paste <file>', 'the paste file (default: the one the configuration names)')
    .option('--header <header>', '"Name: value"; may repeat', (value: string, before?: string[]) => [
      ...(before ?? []),
      value,
    ])
    .option('--json', 'print one JSON document')
    .addHelpText('after', "\nExample:\n  api-cli explain GET /v2.1/servers --header 'X-Auth-Token: t'");
  addConfigurationOptions(command).action(async (method: string, url: string, given: ExplainArguments) => {
    process.stdout.write(`${await explain(method, url, given)}\n`);
  });
}

async function explain(method: string, url: string, given: ExplainArguments): Promise<string> {
  const { path, config } = await pasteFile(given);
  const loader = new Loader(path, { config });
  const target = url.includes('://') ? parsed(url) : undefined;
  const headers = { host: target?.host ?? 'localhost', ...headersOf(given.header ?? []) };
  const request = {
    method: method.toUpperCase(),
    url: canonical(target === undefined ? url : target.pathname + target.search),
    headers,
    secure: target?.protocol === 'https:',
  };
  const steps = explainRequest(await loader.tree(given.api ?? onlyRoot(loader)), request);
  if (given.json === true)
    return JSON.stringify({ schema: 'portico/explain', version: 1, request, steps }, undefined, 2);
  return [`${request.method} ${request.url}`, ...steps.map(line)].join('\n');
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
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return encodedPath(writtenPath(path)) + url.slice(path.length);
}

function onlyRoot(loader: Loader): string {
  const roots = loader.roots();
  if (roots.length === 1) return roots[0]!;
  throw new PorticoError('PORTICO_USAGE', {
    message: `${loader.path} has ${roots.length === 0 ? 'no app to begin with' : `several: ${roots.join(', ')}`}`,
    hint: 'Name one with --api.',
  });
}

function headersOf(given: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const header of given) {
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

function line({ what, name, factory, origin, text, scriptName, url }: ExplainedStep): string {
  const place = origin === undefined ? '' : `  ${relative('', origin.file)}:${origin.line}`;
  const made = factory === undefined ? '' : `  ${factory}`;
  const path = what === 'app' || what === 'composite' ? `  [script name "${scriptName}", path "${url}"]` : '';
  return `  ${what} ${name}: ${text}${path}${made}${place}`;
}
