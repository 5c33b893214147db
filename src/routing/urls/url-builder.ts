/**
 * URLs by name or by values, with host, scheme, anchor and sub-domain: `url('server', { id })`.
 */

import type { IncomingMessage } from 'node:http';
import { environ, remoteOf } from '../../app/index.js';
import type { SubDomainOptions } from '../route/conditions.js';
import { isTruthy, pythonText, type Route } from '../route/route.js';
import { GenerationError } from '../route/route-error.js';
import { translateRegex } from '../template/python-regex.js';
import { type GeneratorTable, generate, queryText, quotePath, type Values } from './generator.js';

/** The part of the current request that URLs depend on. */
export interface UrlContext {
  /** Path consumed before the router. Default: none. */
  readonly scriptName?: string | undefined;
  /** Host and port. Default `localhost`. */
  readonly host?: string | undefined;
  /** `http` (default) or `https`. */
  readonly scheme?: string | undefined;
  /** The current match, for `current`. */
  readonly match?: Readonly<Record<string, unknown>> | undefined;
}

/** Values for a URL: variables of the path; others become the query. */
export type UrlValues = Readonly<Record<string, unknown>> | Map<string, unknown>;

/** Source of built URLs. */
export interface UrlTable extends GeneratorTable, SubDomainOptions {
  readonly names: ReadonlyMap<string, Route>;
  /** True if a name selects its route, rather than only its defaults. */
  readonly hardcodeNames: boolean;
}

const NOT_ASCII = /\P{ASCII}/u;

/** Builds URLs for one table. */
export class UrlBuilder {
  readonly #table: UrlTable;

  constructor(table: UrlTable) {
    this.#table = table;
  }

  /**
   * Returns the URL of the route with this name; for an unknown name, that text itself with the values as its query; without a name, of the
   * route that fits the values. Throws a `GenerationError` if no route accepts them.
   *
   * `anchor`, `host`, `protocol` and `qualified` concern the URL, not its path; `host_` is a query field `host`.
   */
  url(name: string | null, urlValues: UrlValues, context: UrlContext): string {
    return this.#build({ route: this.#routeOf(name), name, values: toValues(urlValues), context, current: false });
  }

  /** Returns a URL from values only, by the route that fits them best; null if there is none. */
  generate(values: UrlValues, scriptName: string): string | null {
    return generate(this.#table, null, values instanceof Map ? values : new Map(Object.entries(values)), scriptName);
  }

  /** As {@link url}, for the current request: its match is the default of the values; a null value removes one. */
  current(name: string | null, urlValues: UrlValues, context: UrlContext): string {
    return this.#build({ route: this.#routeOf(name), name, values: toValues(urlValues), context, current: true });
  }

  /** Returns the URL of one route, which need not have a name. */
  ofRoute(route: Route, urlValues: UrlValues, context: UrlContext): string {
    return this.#build({ route, name: null, values: toValues(urlValues), context, current: false });
  }

  #routeOf(name: string | null): Route | null {
    return name === null ? null : (this.#table.names.get(name) ?? null);
  }

  #build(wanted: WantedUrl): string {
    const { route, name, values, context } = wanted;
    const words = takeSpecialWords(values);
    const { scriptName = '' } = context;
    const url = route === null && name !== null ? rawUrl(name, values, scriptName) : this.#generated(wanted, words);
    const anchored = url === null || words.anchor === null ? url : `${url}#${quotePath(pythonText(words.anchor))}`;
    const located = anchored === null ? null : locate(anchored, words, context);
    if (located === null || NOT_ASCII.test(located)) throw cannotGenerate(name, values, located);
    return located;
  }

  #generated(wanted: WantedUrl, words: SpecialWords): string | null {
    const used = this.#valuesFor(wanted);
    if (!isTruthy(words.anchor)) words.anchor = takeKey(used, '_anchor') ?? null;
    if (!isTruthy(words.host)) words.host = takeKey(used, '_host') ?? null;
    words.protocol ??= takeKey(used, '_protocol') ?? null;
    const route = this.#table.hardcodeNames ? wanted.route : null;
    return generate(this.#table, route, used, wanted.context.scriptName ?? '');
  }

  #valuesFor({ route, values, context, current }: WantedUrl): Values {
    if (route !== null) {
      const under: Values = new Map([...route.defaults, ...values]);
      const used = route.filter === null ? under : toValues(route.filter(Object.fromEntries(under)));
      if (route.isExternal) return used;
      const subDomain = used.get('sub_domain') ?? null;
      this.#moveSubDomain(used, context);
      if (route.defaults.has('sub_domain')) used.set('sub_domain', subDomain);
      return used;
    }
    if (current) return this.#overCurrent(values, context);
    if (values.has('sub_domain')) this.#moveSubDomain(values, context);
    return values;
  }

  #overCurrent(values: Values, context: UrlContext): Values {
    const controller = values.get('controller');
    if (typeof controller === 'string' && controller.startsWith('/')) {
      return values.set('controller', controller.slice(1));
    }
    if (isTruthy(controller) && !values.has('action')) values.set('action', 'index');
    const merged = new Map<string, unknown>([...Object.entries(context.match ?? {}), ...values]);
    for (const [key, value] of values) if (value === null) merged.delete(key);
    this.#moveSubDomain(merged, context);
    return merged;
  }

  /** A sub-domain other than the current one requires another host. */
  #moveSubDomain(values: Values, context: UrlContext): void {
    if (!this.#table.subDomains) return;
    const wanted = (takeKey(values, 'sub_domain') ?? null) as string | null;
    const [host = '', port] = (context.host ?? '').split(':');
    if (host === '') return;
    const suffix = port === undefined ? '' : `:${port}`;
    const found = new RegExp(translateRegex(`^(.+?)\\.(${this.#table.domainMatch})$`).source, 'v').exec(host);
    const [current, domain] = found === null ? [null, host] : [found[1]!, found[2]!];
    const ignored = wanted !== null && this.#table.subDomainsIgnore.includes(wanted);
    if (wanted && current !== wanted && !ignored) values.set('_host', `${wanted}.${domain}${suffix}`);
    else if ((ignored || wanted === null) && domain !== host) values.set('_host', domain + suffix);
  }
}

/** A requested URL. */
interface WantedUrl {
  /** Null: the route that fits the values. */
  readonly route: Route | null;
  readonly name: string | null;
  readonly values: Values;
  readonly context: UrlContext;
  /** True: with the match of the current request. */
  readonly current: boolean;
}

interface SpecialWords {
  anchor: unknown;
  host: unknown;
  protocol: unknown;
  readonly qualified: unknown;
}

/** Removes the special words from the values; `host_` and `anchor_` stand for the plain keys. */
function takeSpecialWords(values: Values): SpecialWords {
  const anchor = values.get('anchor') ?? null;
  const host = values.get('host') ?? null;
  const protocol = takeKey(values, 'protocol') ?? null;
  const qualified = takeKey(values, 'qualified') ?? null;
  for (const key of ['anchor', 'host']) {
    if (isTruthy(values.get(key))) values.delete(key);
    if (values.has(`${key}_`)) values.set(key, takeKey(values, `${key}_`));
  }
  if (values.has('protocol_')) values.set('protocol_', protocol);
  return { anchor, host, protocol, qualified };
}

function takeKey(values: Values, key: string): unknown {
  const value = values.get(key);
  values.delete(key);
  return value;
}

/** Uses an unknown name as a URL. */
function rawUrl(text: string, values: Values, scriptName: string): string {
  const url = text.startsWith('/') ? scriptName + text : text;
  // As in Routes: values that are empty lists leave the question mark.
  return url + (queryText(values, quotePath) || (values.size > 0 ? '?' : ''));
}

/** Adds scheme and host if one of them was requested. Another scheme implies another port. */
function locate(url: string, { host, protocol, qualified }: SpecialWords, context: UrlContext): string {
  if (!isTruthy(host) && protocol === null && !isTruthy(qualified)) return url;
  const current = context.host ?? 'localhost';
  const used = isTruthy(host) ? pythonText(host) : isTruthy(qualified) ? current : current.split(':', 1)[0]!;
  const scheme = pythonText(protocol ?? context.scheme ?? 'http');
  const slash = used.endsWith('/') ? '' : '/';
  return `${scheme === '' ? '' : `${scheme}:`}//${used}${slash}${url.replace(/^\/+/, '')}`;
}

function toValues(urlValues: UrlValues): Values {
  const values: Values = new Map();
  for (const [key, value] of urlValues instanceof Map ? (urlValues as Values) : Object.entries(urlValues)) {
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

function cannotGenerate(name: string | null, values: Values, url: string | null): GenerationError {
  const asked = JSON.stringify([...values.keys()]).slice(0, 200);
  const which = name === null ? 'no route takes' : `the route "${name}" does not take`;
  if (url !== null) {
    return new GenerationError({
      message: `the URL of "${name ?? 'the route'}" is not ASCII`,
      hint: 'Percent-encode the literal text of its template.',
    });
  }
  return new GenerationError({
    message: `${which} these values: ${asked}`,
    hint: 'Every variable of the path is needed, and every default that is not in the path with its own value.',
  });
}

/** Context of URLs, and their prefix. */
export interface LinkBase {
  readonly prefix: string;
  readonly scriptName: string;
  readonly host: string;
  readonly scheme: string;
}

/**
 * Uses the values resolved by proxy_headers, else the connection and its `Host`. `linkPrefix` replaces scheme, host and everything before
 * the router's own prefix.
 */
export function absoluteUrl(req: IncomingMessage, linkPrefix: string | undefined): LinkBase {
  const { scheme, host = 'localhost' } = remoteOf(req);
  const prefix = linkPrefix === undefined ? `${scheme}://${host}` : linkPrefix.replace(/\/+$/, '');
  return { prefix, scriptName: environ(req).scriptName, host, scheme };
}
