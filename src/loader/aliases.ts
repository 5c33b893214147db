/**
 * Aliases: what stands in Portico for a reference written for Python. They come from the program, from files, and for what
 * paste files of OpenStack services name they are built in.
 */
import type { Conf } from '../app/index.js';
import type { Origin } from '../errors/index.js';
import { wordsOf } from '../ini/index.js';
import { normalExpression, parseExpression } from './expression.js';
import { PasteError } from './paste-error.js';
import { parseReference } from './reference.js';
import { originOf, type Source } from './source.js';

/** What an alias stands for. */
export interface Alias {
  /** A factory expression of Node, or another reference that has an alias. */
  readonly target: string;
  /** After `egg:`: the group it is an entry point of; without one, the plain factory of each kind. */
  readonly protocol?: string | undefined;
  /** Where it stands, if it stands in a file: relative targets begin in that file's folder. */
  readonly origin?: Origin;
}

/** One layer of aliases; several are asked in turn. */
export class AliasTable {
  readonly #expressions = new Map<string, Alias>();
  readonly #entryPoints = new Map<string, Map<string, Alias[]>>();
  readonly #spelt = new Set<string>();

  /** The distributions that have aliases, as they were written. */
  get distributions(): string[] {
    return [...this.#spelt];
  }

  add(from: string, alias: Alias): void {
    const reference = parseReference(from);
    if (reference.form === 'egg') {
      const distribution = normalDistribution(reference.distribution);
      this.#spelt.add(reference.distribution);
      const names = this.#entryPoints.get(distribution) ?? new Map<string, Alias[]>();
      this.#entryPoints.set(distribution, names);
      names.set(reference.name, [...(names.get(reference.name) ?? []), alias]);
    } else {
      this.#expressions.set(normalExpression(reference.form === 'call' ? reference.expression : from), alias);
    }
  }

  /** The alias of an expression: its own, or its module's, which keeps the attribute. */
  expression(text: string): Alias | undefined {
    const whole = this.#expressions.get(normalExpression(text));
    if (whole !== undefined) return whole;
    const parsed = parseExpression(text);
    const module = parsed?.name === undefined ? undefined : this.#expressions.get(parsed.module);
    return module === undefined ? undefined : { ...module, target: `${module.target}:${parsed!.name}` };
  }

  /** The aliased entry points of a distribution, by name. */
  entryPoints(distribution: string): ReadonlyMap<string, readonly Alias[]> {
    return this.#entryPoints.get(normalDistribution(distribution)) ?? new Map();
  }
}

/** Distribution names ignore case and take `-`, `_` and `.`, also runs of them, as equal. */
export function normalDistribution(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** The aliases a program hands in: `from` to `to [protocol]`. */
export function aliasesOf(entries: Readonly<Record<string, string>>): AliasTable {
  return tableOf(
    Object.entries(entries).map(([from, value]) => {
      const [target = '', protocol] = wordsOf(value).map(({ text }) => text);
      return [from, target, protocol];
    }),
  );
}

/** From, to, and after `egg:` the protocol. */
type AliasRow = readonly [from: string, target: string, protocol?: string | undefined];

function tableOf(rows: readonly AliasRow[]): AliasTable {
  const table = new AliasTable();
  for (const [from, target, protocol] of rows) table.add(from, { target, protocol });
  return table;
}

/**
 * The aliases of a file: the options of `[portico:aliases]` are free labels, their values lines of two or three words:
 * from, to and, after `egg:`, the protocol. PasteDeploy does not look at the section, so a file may serve both. A
 * line that is no alias is given to `mistake` and left out. Values are read with `runTime` alone: whoever includes the
 * file, its aliases are the same.
 */
export function fileAliases(opened: Source, runTime: Conf, mistake: (error: unknown) => void): AliasTable {
  const known = OF_FILES.get(opened);
  if (known !== undefined) return known;
  const source = opened.with(runTime);
  const table = new AliasTable();
  const section = source.document.sections.get('portico:aliases');
  for (const option of section?.options.values() ?? []) {
    const setting = source.read(section!, option);
    let start = 0;
    for (const line of setting.value.split('\n')) {
      const words = wordsOf(line);
      const [from, target, protocol] = words.map(({ text }) => text);
      const origin = () => originOf(setting, start + (words[0]?.start ?? 0)).origin;
      const egg = from !== undefined && parseReference(from).form === 'egg';
      if (words.length === 2 || (words.length === 3 && egg)) {
        table.add(from!, { target: target!, origin: origin(), protocol });
      } else if (words.length > 0) {
        mistake(
          new PasteError('PORTICO_PASTE_BAD_ALIAS', {
            message: `an alias has two words, from and to, and after "egg:" a protocol; ${JSON.stringify(line)} has ${words.length}.`,
            hint: 'Write one alias on each line: egg:Paste#urlmap portico/loader:urlmap paste.composite_factory.',
            origin: origin(),
          }),
        );
      }
      start += line.length + 1;
    }
  }
  OF_FILES.set(opened, table);
  return table;
}

const OF_FILES = new WeakMap<Source, AliasTable>();

const LOADER = 'portico/loader';
const MIDDLEWARE = 'portico/middleware';
const APP = 'paste.app_factory';
const FILTER = 'paste.filter_factory';
const COMPOSITE = 'paste.composite_factory';

/** Filters of oslo.middleware: entry point, export, and the Python classes they are. */
const OSLO: readonly (readonly [entry: string, target: string, ...python: string[]])[] = [
  ['request_id', 'requestId', 'request_id:RequestId', ':RequestId'],
  ['correlation_id', 'correlationId', 'correlation_id:CorrelationId', ':CorrelationId'],
  ['sizelimit', 'sizelimit', 'sizelimit:RequestBodySizeLimiter', ':RequestBodySizeLimiter'],
  ['cors', 'cors', 'cors:CORS', ':CORS'],
  ['http_proxy_to_wsgi', 'proxyHeaders', 'http_proxy_to_wsgi:HTTPProxyToWSGI', ':HTTPProxyToWSGI'],
  ['catch_errors', 'catchErrors', 'catch_errors:CatchErrors', ':CatchErrors'],
  ['stats', 'stats', 'stats:StatsMiddleware', ':StatsMiddleware'],
  ['basic_auth', 'basicAuth', 'basic_auth:BasicAuthMiddleware', ':BasicAuthMiddleware'],
  ['debug', 'debug', 'debug:Debug', ':Debug'],
  ['healthcheck', 'healthcheckFilter', 'healthcheck:Healthcheck', ':Healthcheck'],
];

/** The built-in aliases. An entry point may stand twice: as an app and as a filter. */
export const BUILTIN_ALIASES: AliasTable = tableOf([
  ['egg:Paste#urlmap', `${LOADER}:urlmap`, COMPOSITE],
  ['paste.urlmap:urlmap_factory', `${LOADER}:urlmap`],
  ['egg:Paste#cascade', `${LOADER}:cascade`, COMPOSITE],
  ['paste.cascade:make_cascade', `${LOADER}:cascade`],
  ['nova.api.openstack.urlmap:urlmap_factory', `${LOADER}:versionedUrlmap`],
  ['nova.api.auth:pipeline_factory', `${LOADER}:byOption`],
  ['nova.api.auth:pipeline_factory_v21', `${LOADER}:byOption`],
  ['neutron.auth:pipeline_factory', `${LOADER}:byOption`],
  ['egg:Paste#translogger', `${MIDDLEWARE}:requestLog`, FILTER],
  ['egg:Paste#gzip', `${MIDDLEWARE}:compression`, FILTER],
  ['egg:Paste#static', `${MIDDLEWARE}:staticFiles`, APP],
  ['egg:PasteDeploy#prefix', `${MIDDLEWARE}:pathPrefix`, FILTER],
  ['paste.deploy.config:make_prefix_middleware', `${MIDDLEWARE}:pathPrefix`],
  ['egg:PasteDeploy#config', `${MIDDLEWARE}:requestConfig`, FILTER],
  ...OSLO.flatMap(([entry, target, ...classes]): AliasRow[] => [
    [`egg:oslo.middleware#${entry}`, `${MIDDLEWARE}:${target}`, FILTER],
    ...classes.map((python): AliasRow => {
      const name = python.startsWith(':') ? python : `.${python}`;
      return [`oslo_middleware${name}.factory`, `${MIDDLEWARE}:${target}`];
    }),
  ]),
  ['oslo_middleware.cors:filter_factory', `${MIDDLEWARE}:cors`],
  ['egg:oslo.middleware#healthcheck', `${MIDDLEWARE}:healthcheck`, APP],
  ['oslo_middleware:Healthcheck.app_factory', `${MIDDLEWARE}:healthcheck`],
  ['oslo_middleware.healthcheck:Healthcheck.app_factory', `${MIDDLEWARE}:healthcheck`],
  ['keystonemiddleware.auth_token:filter_factory', `${MIDDLEWARE}:authToken`],
  ['egg:keystonemiddleware#auth_token', `${MIDDLEWARE}:authToken`, FILTER],
]);
