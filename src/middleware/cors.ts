/**
 * cors: cross-origin requests, as in the Fetch standard.
 *
 * The package cors treats every OPTIONS as a preflight, does not check methods or headers, and sets its headers before the app runs.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeHead, environ, type FactoryContext, type Filter, filterFactory } from '../app/index.js';
import { exchangeOf, optionOrigin, readHeaders } from '../app/internal.js';
import { boolean, type Config, defineOptions, integer, list, type OptionsOf, string } from '../config/index.js';
import { camelCase } from '../config/internal.js';
import { ConfigurationRefused, type Origin as Place } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { silentLogger } from '../log/internal.js';
import { appendVary, TOKEN } from './headers.js';

declare module '../app/index.js' {
  interface Environ {
    /** True for a request of a page that may send credentials; set by the filter cors. */
    mayShareCredentials?: boolean;
  }
}

/** As paste files of oslo.middleware 3 have it: what the service needs, whatever an operator allows. */
const LATENT = 'Further values of the option without latent_.';

const corsOptions = defineOptions({
  allowed_origin: list({
    default: [],
    help: 'Allowed origins: scheme://host[:port], *, or regex: and a pattern for the whole origin.',
  }),
  allow_credentials: boolean({
    default: false,
    help: 'Allow cookies and other credentials.',
  }),
  expose_headers: list({
    item: string({ regex: TOKEN }),
    default: [],
    help: 'Response headers that scripts can read.',
  }),
  max_age: integer({
    default: 3600,
    min: 0,
    help: 'How long browsers may cache a preflight, in seconds.',
  }),
  allow_methods: list({
    item: string({ regex: TOKEN }),
    default: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    help: 'Allowed methods.',
  }),
  allow_headers: list({
    item: string({ regex: TOKEN }),
    default: [],
    help: 'Allowed request headers. * allows any.',
  }),
  latent_allow_headers: list({ item: string({ regex: TOKEN }), default: [], help: LATENT, advanced: true }),
  latent_allow_methods: list({ item: string({ regex: TOKEN }), default: [], help: LATENT, advanced: true }),
  latent_expose_headers: list({ item: string({ regex: TOKEN }), default: [], help: LATENT, advanced: true }),
});

/** Request headers that the pages of every allowed origin may send: CORS-safelisted ones, and those that concern only caches. */
const SAFE_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'content-language',
  'content-type',
  'cache-control',
  'expires',
  'last-modified',
  'pragma',
]);

/**
 * Responds to preflight requests with 204 without calling the app. The response has the permission if the origin, the method and all headers
 * are allowed. To other responses, also errors, it adds the headers that let the page read them, unless the app has set them.
 * `[cors.<name>]` in the service configuration adds sets of origins, which have the permissions of the filter unless they set others.
 */
export const cors = filterFactory('cors', corsOptions, (options, ctx) => filterBy(policyOf(options, ctx), ctx.log), {
  trial: true,
  aroundRefusals: true,
  groups: { 'cors.<name>': corsOptions },
});

/** The filter that {@link corsFilter} returns. */
export interface CorsFilter extends Filter {
  /** Adds a set of origins at any time, like `add_origin()` of oslo.middleware. Throws `PORTICO_CORS_ORIGIN` for invalid rules. */
  add(rules: CorsRules): void;
}

/** Returns the filter with rules set in code, with its `add()`. Without rules it allows no origin. */
export function corsFilter(log: Logger = silentLogger()): CorsFilter {
  const policy = new CorsPolicy();
  return Object.assign(filterBy(policy, log), { add: (rules: CorsRules) => policy.add(rules) });
}

function policyOf(own: OptionsOf<typeof corsOptions>, ctx: FactoryContext): CorsPolicy {
  const { config, section } = ctx;
  const policy = new CorsPolicy();
  policy.add(withLatent(own), optionOrigin(ctx, 'cors', 'allowed_origin'));
  for (const name of furtherGroups(config)) {
    const rules = { ...own, ...writtenIn(config, name) };
    for (const origin of rules.allowedOrigin.filter((each) => policy.names(each))) {
      ctx.log.warn(
        `[${name}] has no effect for ${origin}: a set before it has this origin, remove it from one of them`,
      );
    }
    policy.add(withLatent(rules), config.getLocation(name, 'allowed_origin').origin ?? section.origin);
  }
  return policy;
}

function withLatent(options: OptionsOf<typeof corsOptions>): CorsRules {
  const { latentAllowHeaders, latentAllowMethods, latentExposeHeaders, ...rules } = options;
  return {
    ...rules,
    allowHeaders: [...rules.allowHeaders, ...latentAllowHeaders],
    allowMethods: [...rules.allowMethods, ...latentAllowMethods],
    exposeHeaders: [...rules.exposeHeaders, ...latentExposeHeaders],
  };
}

/** Returns the permissions that a further group sets, and its origins. */
function writtenIn(config: Config, name: string): Pick<CorsRules, 'allowedOrigin'> {
  const rules = config.group(name, corsOptions);
  const written = Object.keys(corsOptions)
    .filter((opt) => config.getLocation(name, opt).kind !== 'default')
    .map((opt) => [camelCase(opt), rules[camelCase(opt) as keyof CorsRules]]);
  return { allowedOrigin: rules.allowedOrigin, ...Object.fromEntries(written) };
}

function furtherGroups(config: Config): string[] {
  return config.listAllSections().filter((name) => name.startsWith('cors.'));
}

function filterBy(policy: CorsPolicy, log: Logger): Filter {
  return (app) => (req, res) => {
    const { origin, 'access-control-request-method': method } = readHeaders(exchangeOf(req));
    if (req.method === 'OPTIONS' && origin !== undefined && method !== undefined) {
      answerPreflight(req, res, policy.rulesFor(origin), method, log);
      return undefined;
    }
    const rules = origin === undefined ? undefined : policy.rulesFor(origin);
    if (rules?.allowCredentials === true) environ(req).mayShareCredentials = true;
    beforeHead(res, () => {
      if (res.hasHeader('access-control-allow-origin')) return;
      // Set even if the origin is not allowed, so that a cache does not reuse this response for another origin.
      appendVary(res, 'Origin');
      if (rules === undefined) return;
      res.setHeader('access-control-allow-origin', origin!);
      if (rules.allowCredentials) res.setHeader('access-control-allow-credentials', 'true');
      if (rules.exposeHeaders.length > 0) {
        res.setHeader('access-control-expose-headers', rules.exposeHeaders.join(','));
      }
    });
    return app(req, res);
  };
}

function answerPreflight(
  req: IncomingMessage,
  res: ServerResponse,
  rules: CorsRules | undefined,
  method: string,
  log: Logger,
): void {
  res.statusCode = 204;
  appendVary(res, 'Origin', 'Access-Control-Request-Method', 'Access-Control-Request-Headers');
  const headers = requestedHeaders(req);
  const reason = refusal(rules, method, headers);
  if (rules === undefined || reason !== undefined) {
    log.debug({ origin: req.headers.origin, reason }, 'refused a cross-origin request');
    res.end();
    return;
  }
  res.setHeader('access-control-allow-origin', req.headers.origin!);
  res.setHeader('access-control-allow-methods', rules.allowMethods.join(','));
  const allowed = headers.length > 0 ? headers : rules.allowHeaders;
  if (allowed.length > 0) res.setHeader('access-control-allow-headers', allowed.join(','));
  res.setHeader('access-control-max-age', rules.maxAge);
  if (rules.allowCredentials) res.setHeader('access-control-allow-credentials', 'true');
  res.end();
}

function requestedHeaders(req: IncomingMessage): string[] {
  const text = req.headers['access-control-request-headers'] ?? '';
  return text.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
}

/** Returns why a preflight is refused, or undefined. */
function refusal(rules: CorsRules | undefined, method: string, headers: readonly string[]): string | undefined {
  if (rules === undefined) return 'origin';
  if (!rules.allowMethods.includes(method)) return `method ${method}`;
  if (rules.allowHeaders.includes('*')) return undefined;
  const allowed = new Set(rules.allowHeaders.map((name) => name.toLowerCase()));
  const other = headers.find((name) => !allowed.has(name.toLowerCase()) && !SAFE_HEADERS.has(name.toLowerCase()));
  return other === undefined ? undefined : `header ${other}`;
}

/** The permissions of a set of origins. */
export interface CorsRules {
  /** `scheme://host[:port]`, `*`, or `regex:` and a pattern that must match the whole origin. */
  readonly allowedOrigin: readonly string[];
  readonly allowCredentials: boolean;
  readonly exposeHeaders: readonly string[];
  /** How long a browser may cache the response to a preflight, in seconds. */
  readonly maxAge: number;
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
}

/** Sets of origins with their permissions. The first set that names an origin applies, or else the first one with `*`. */
class CorsPolicy {
  readonly #sets: { readonly names: (origin: string) => boolean; readonly rules: CorsRules }[] = [];

  /**
   * Adds a set. Throws for an invalid origin, and for `*` with credentials: browsers refuse that, and to echo every origin with
   * credentials would open every session to every page.
   */
  add(rules: CorsRules, place?: Place): void {
    const named = rules.allowedOrigin.filter((entry) => entry !== '*');
    const checks = named.map((entry) => matcherOf(entry, place));
    if (rules.allowCredentials && rules.allowedOrigin.includes('*')) {
      const hint =
        'Name the origins, or set allow_credentials = false: [cors.<name>] has the value of [cors] unless it sets its own.';
      throw refused('allowed_origin * with allow_credentials lets every website act for its visitors', place, hint);
    }
    this.#sets.push({ names: (origin) => checks.some((check) => check(origin)), rules });
  }

  /** Reports whether a set has this entry, or matches it as an origin. */
  names(entry: string): boolean {
    return this.#sets.some(({ names, rules }) => names(entry.toLowerCase()) || rules.allowedOrigin.includes(entry));
  }

  /** Returns the permissions of an origin, or undefined. */
  rulesFor(origin: string): CorsRules | undefined {
    const set =
      this.#sets.find(({ names }) => names(origin)) ??
      this.#sets.find(({ rules }) => rules.allowedOrigin.includes('*'));
    return set?.rules;
  }
}

function matcherOf(entry: string, place: Place | undefined): (origin: string) => boolean {
  if (entry.startsWith('regex:')) {
    const pattern = wholePattern(entry.slice(6), place);
    return (origin) => pattern.test(origin);
  }
  if (!/^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(entry)) {
    throw refused(`allowed_origin ${entry} is not an origin`, place);
  }
  const wanted = entry.toLowerCase();
  return (origin) => origin === wanted;
}

function wholePattern(source: string, place: Place | undefined): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, 'u');
  } catch (error) {
    throw refused(`allowed_origin regex:${source} is not a valid pattern: ${(error as Error).message}`, place);
  }
}

const FORM = 'Write scheme://host or scheme://host:port, without path, trailing slash or user.';

function refused(message: string, origin: Place | undefined, hint = FORM): ConfigurationRefused {
  return new ConfigurationRefused('PORTICO_CORS_ORIGIN', { message, hint, origin });
}
