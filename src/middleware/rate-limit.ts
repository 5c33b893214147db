/** rate_limit: limits the rate of requests by token buckets. */

import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BlockList } from 'node:net';
import {
  afterResponse,
  beforeHead,
  type FactoryContext,
  Fault,
  type Filter,
  filterFactory,
  type MatchedRoute,
  type OpenApiAdditions,
  remoteOf,
  requestPath,
  type WantedOrder,
} from '../app/index.js';
import {
  collapsed,
  exchangeOf,
  methodsOf,
  openSharedStore,
  optionOrigin,
  refuseWithoutUrl,
  whenRouted,
  writtenPath,
} from '../app/internal.js';
import { cidr, defineOptions, duration, integer, list, multi, type OptionsOf, oneOf, string } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';
import { ConfigurationRefused, type Origin } from '../errors/index.js';
import { type RateBucket, type RateStore, type SharedRule, sharedBuckets, type Taken } from '../service/internal.js';
import { systemClock } from '../tasks/internal.js';
import { addressKey, isInNetworks, networkList } from './addresses.js';
import { withoutSignature } from './auth/token-spelling.js';

// Parses the rules of rate_limit, and finds the key of a request.

const KEYS = ['address', 'project', 'user', 'token-hash', 'route'] as const;

/** A parsed rule. */
interface RateRule {
  readonly name: string;
  readonly key: (typeof KEYS)[number];
  /** Requests per second. */
  readonly rate: number;
  /** Maximum number of requests at once. */
  readonly burst: number;
  readonly methods: ReadonlySet<string> | undefined;
  /** Matches `requestPath(req)`. */
  readonly path: RegExp | undefined;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Parses `name key rate burst [methods] [path]`. Throws a `ConfigurationRefused` (`PORTICO_RATE_RULE`) that names the wrong part. */
export function parseRule(text: string, origin: Origin | undefined): RateRule {
  const [name = '', key = '', rate = '', burst = '', ...rest] = text.trim().split(/\s+/);
  const refused = (message: string): ConfigurationRefused =>
    new ConfigurationRefused('PORTICO_RATE_RULE', {
      message: `rate limit rule "${text.replaceAll(/\s+/g, ' ')}": ${message}`,
      hint: text.includes('\n')
        ? 'In this file each rule needs a line that begins with `rules =`: an indented line continues the rule above it.'
        : 'Write name key rate burst [methods] [path], such as "boot project 5/m 5 POST /servers".',
      origin,
    });
  if (!/^[\w.-]+$/.test(name)) throw refused('its name can only have letters, digits, dots, - and _');
  const known = KEYS.find((one) => one === key);
  if (known === undefined) throw refused(`its key is not one of ${KEYS.join(', ')}`);
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(?:\/([smhd]))?$/.exec(rate) ?? [];
  if (amount === undefined || Number(amount) === 0)
    throw refused('its rate is not a number, alone or with /s /m /h /d');
  if (!/^[1-9]\d*$/.test(burst)) throw refused('its burst is not a whole number of at least 1');
  const methods = rest[0]?.startsWith('/') === false ? rest.shift() : undefined;
  const path = rest.shift();
  if (rest.length > 0 || path?.startsWith('/') === false) throw refused('it has too many parts');
  return {
    name,
    key: known,
    rate: Number(amount) / SECONDS[unit ?? 's']!,
    burst: Number(burst),
    methods: methods === undefined ? undefined : methodSet(methods),
    path: path === undefined ? undefined : pathPattern(path),
  };
}

/** A rule for GET also applies to HEAD. */
function methodSet(text: string): ReadonlySet<string> {
  const methods = text.toUpperCase().split(',');
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

/** Compiles the path of a rule. `*` matches one segment; the rule also applies to everything below the path. */
function pathPattern(path: string): RegExp {
  const segments = collapsed(path).replace(/\/+$/, '').split('/');
  const source = segments.map((segment) =>
    segment === '*' ? '[^/]+' : writtenPath(segment).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
  );
  return new RegExp(`^${source.join('/')}(?:/|$)`);
}

/** Returns the key of the bucket, or undefined if the request has no such caller. `address` is the address of the client. */
function callerKey(key: Exclude<RateRule['key'], 'route'>, req: IncomingMessage, address: string): string | undefined {
  if (key === 'address') return addressKey(address);
  const { acceptedToken: token, context, identity } = exchangeOf(req);
  if (key === 'project') return context?.projectId ?? identity?.projectId;
  // Only what a filter has accepted: with other headers a caller could choose its bucket.
  if (key === 'token-hash' && token !== undefined) return hash('sha256', withoutSignature(token), 'base64url');
  return context?.userId ?? identity?.userId;
}

const rateLimitOptions = defineOptions({
  rules: multi({
    help: 'Limits as name key rate burst [methods] [path], such as "all address 10/s 20" or "boot project 5/m 5 POST /servers". Keys: address, project, user, token-hash, route.',
  }),
  allow: list({ item: cidr(), default: [], help: 'Networks that are never limited.' }),
  deny: list({ item: cidr(), default: [], help: 'Networks that get 403.' }),
  store: string({
    secret: true,
    help: 'Store of the limits for all machines, such as redis://user:password@host:6379/0. Default: those of this machine.',
  }),
  timeout: duration({ default: 50, unit: 'ms', min: 1, help: 'Longest wait of a request for the store.' }),
  on_failure: oneOf(['local', 'refuse'], {
    default: 'local',
    help: 'While the store fails: local, each machine limits by itself; refuse, requests with a limit get 503.',
  }),
  sleep_ms: integer({
    default: 0,
    min: 0,
    help: 'Delay requests over the limit instead of refusing them, if the wait is at most this.',
  }),
});

const RULES = 'Write it as one of rules.';

writtenElsewhere(rateLimitOptions, {
  unused: {
    account_ratelimit: RULES,
    container_ratelimit_0: RULES,
    account_whitelist: 'Write allow, the networks that are never limited.',
    account_blacklist: 'Write deny, the networks that get 403.',
    max_sleep_time_seconds: 'Write sleep_ms.',
  },
});

/** Maximum number of callers of a rule; the longest idle one is forgotten first. All workers of an API together track at most 300,000. */
const MAX_KEYS = 100_000;

interface CountedRule {
  readonly text: string;
  readonly rule: RateRule;
  /** The limit of all pipelines and workers together. */
  readonly shared: SharedRule;
  /** The policy in the headers of a response. */
  readonly policy: string;
  /** Whether the rule has counted a request, its failure to do so has been logged, or it needs no check. */
  settled: boolean;
}

/** A rule that can count the request now, and the key of its bucket. */
interface Found {
  readonly counted: CountedRule;
  readonly key: string;
}

/**
 * Limits requests by a token bucket for each rule and key, shared by all workers. Responds with 429 and `Retry-After` over the limit. The
 * response to a counted request has `RateLimit` and `RateLimit-Policy`. Denied networks get 403.
 */
export const rateLimit = filterFactory(
  'rate_limit',
  rateLimitOptions,
  (options, ctx) => {
    const { store } = options;
    if (store !== undefined) return limitingAll(options, ctx);
    refuseWithoutUrl(ctx, 'rate_limit');
    return limiting(options, ctx);
  },
  { trial: true, order: rateLimitOrder, openapi: openapiOf },
);

type RateLimitOptions = OptionsOf<typeof rateLimitOptions>;

/** Limits all machines together, by their store. */
async function limitingAll(options: RateLimitOptions, ctx: FactoryContext): Promise<Filter> {
  const refuses = options.onFailure === 'refuse';
  const use = {
    group: 'rate_limit',
    part: 'rateStores',
    kept: 'rate limits',
    again: 'counts the rate limits again',
    without: refuses ? 'requests with a limit get 503' : 'each machine limits by itself',
  } as const;
  const opened = await openSharedStore<RateStore>(use, options, ctx);
  return limiting(options, ctx, (buckets) => {
    const asked = opened!.ask((store) => store.take(buckets, options.sleepMs));
    return asked.catch(() => {
      if (!refuses) return undefined;
      throw new Fault(503, { message: 'Rate limits cannot be checked now.', headers: { 'retry-after': '1' } });
    });
  });
}

/** `everybody`: takes tokens of all machines; undefined while that fails. */
function limiting(
  options: RateLimitOptions,
  ctx: FactoryContext,
  everybody?: (buckets: readonly RateBucket[]) => Promise<readonly Taken[] | undefined>,
): Filter {
  const { sleepMs } = options;
  const buckets = sharedBuckets(ctx.config, ctx.service ?? '');
  let wasSilent = false;
  const countedRule = (text: string, origin: Origin): CountedRule => {
    const rule = parseRule(text, origin);
    const { rate, burst } = rule;
    return {
      text,
      rule,
      shared: { id: `${ctx.section.name} ${text}`, rate, burst, maxKeys: MAX_KEYS },
      policy: policyOf(rule),
      settled: rule.key === 'address',
    };
  };
  const origin = optionOrigin(ctx, 'rate_limit', 'rules');
  const rules = [...new Set(options.rules)].map((text) => countedRule(text, origin));
  const [allowed, denied] = [networks(options.allow), networks(options.deny)];
  /** Logs when the parent falls silent, and when it responds again. */
  const noticeSilence = (): void => {
    const { isSilent } = buckets;
    if (isSilent === wasSilent) return;
    wasSilent = isSilent;
    if (isSilent) ctx.log.warn(SILENT);
    else ctx.log.notice('the parent of this worker responds again: the rate limits refuse only what exceeds them');
  };
  /** Takes a token of this machine. Returns how long the request must wait, in milliseconds. */
  const count = (counted: CountedRule, key: string, res: ServerResponse): number | Promise<number> => {
    const taking = buckets.take(counted.shared, key, sleepMs);
    const apply = (taken: Taken): number => {
      noticeSilence();
      return charge(counted, taken, res);
    };
    return 'then' in taking ? taking.then(apply) : apply(taking);
  };
  /** Applies one rule after the other: a request that one refuses takes no token of the next. Returns the longest wait. */
  const countHere = (found: readonly Found[], res: ServerResponse, waitMs = 0): number | Promise<number> => {
    const [first, ...rest] = found;
    if (first === undefined) return waitMs;
    const counted = count(first.counted, first.key, res);
    const others = (ms: number): number | Promise<number> => countHere(rest, res, Math.max(waitMs, ms));
    return typeof counted === 'number' ? others(counted) : counted.then(others);
  };
  const countAll = (found: readonly Found[], res: ServerResponse): number | Promise<number> => {
    for (const { counted } of found) counted.settled = true;
    if (everybody === undefined || found.length === 0) return countHere(found, res);
    return everybody(found.map(({ counted, key }) => ({ rule: counted.shared, key }))).then((taken) => {
      if (taken === undefined) return countHere(found, res);
      return Math.max(...taken.map((one, at) => charge(found[at]!.counted, one, res)));
    });
  };
  /** Logs once why a rule has not counted any request. */
  const settle = (counted: CountedRule, req: IncomingMessage, res: ServerResponse): void => {
    const { rule } = counted;
    if (counted.settled || res.statusCode < 200 || res.statusCode > 299 || req.method === 'OPTIONS') return;
    const reason = rule.key === 'route' ? NO_ROUTER : TOO_FAR_OUT;
    if (rule.key !== 'route' && bucketKey(rule, req, remoteOf(req).address) === undefined) return;
    counted.settled = true;
    ctx.log.warn({ key: rule.key }, `the rate limit rule "${rule.name}" did not count a request: ${reason}`);
  };

  return (app) => (req, res) => {
    const { address } = remoteOf(req);
    if (holds(denied, address)) throw new Fault(403, { message: 'Requests from your address are not accepted.' });
    if (holds(allowed, address)) return app(req, res);
    const { trial } = exchangeOf(req);
    if (trial !== undefined) {
      for (const { rule, text } of rules)
        if (applies(rule, req)) trial.would(`respond with 429 over the limit of "${text}"`);
      return app(req, res);
    }
    const found: Found[] = [];
    for (const counted of rules) {
      const { rule } = counted;
      if (!applies(rule, req)) continue;
      const key = bucketKey(rule, req, address);
      if (key !== undefined) {
        found.push({ counted, key });
        continue;
      }
      if (rule.key === 'route') {
        whenRouted(req, (route) => passing(countAll([{ counted, key: routeKey(route) }], res), res));
      }
      if (!counted.settled) afterResponse(res, () => settle(counted, req, res));
    }
    const passes = passing(countAll(found, res), res);
    return passes === undefined ? app(req, res) : passes.then((here) => (here ? app(req, res) : undefined));
  };
}

function openapiOf({ rules, allow, deny }: OptionsOf<typeof rateLimitOptions>): OpenApiAdditions | undefined {
  const denied = deny.length > 0 && { 403: { description: 'Requests from this address are not accepted.' } };
  if (rules.length === 0) return denied ? { responses: denied } : undefined;
  const limits = rules.map((text) => `"${text}"`).join(', ');
  const spares = allow.length === 0 ? '' : `, except for ${allow.join(', ')}`;
  const retry = { 'Retry-After': { description: 'When to retry, in seconds.', schema: { type: 'integer' } } };
  const text = { schema: { type: 'string' } };
  return {
    headers: { RateLimit: text, 'RateLimit-Policy': text },
    responses: { ...denied, 429: { description: `Too many requests: ${limits}${spares}.`, headers: retry } },
  };
}

const SILENT = 'the parent of this worker has not responded for a second: until it does, requests with a limit get 429';
const NO_ROUTER = 'it counts by route, but no Router handled the request. It only limits requests that a Router serves';
const TOO_FAR_OUT =
  'an inner filter authenticates the caller. Put a rate_limit with the rules by user, project and token-hash after the authentication';

/** Requires that rules by caller come after the filter that authenticates the caller. Rules by address can come before it. */
function rateLimitOrder({ rules }: OptionsOf<typeof rateLimitOptions>): WantedOrder | undefined {
  const byCaller = rules.find((rule) => /^\s*\S+\s+(?:user|project|token-hash)\s/.test(rule));
  if (byCaller === undefined) return undefined;
  const [name = ''] = byCaller.trim().split(/\s/);
  return {
    behind: ['auth_token', 'jwt', 'basic_auth', 'noauth', 'session'],
    why: `its rule "${name}" counts by caller, which is unknown there, so it would never limit a request`,
    hint: 'Put a rate_limit with the rules by user, project and token-hash after it, and keep the rules by address before it.',
    needsCaller: true,
  };
}

/** Returns the key of the bucket; undefined if it is unknown, or not known yet. */
function bucketKey({ key }: RateRule, req: IncomingMessage, address: string): string | undefined {
  if (key !== 'route') return callerKey(key, req, address);
  const route = exchangeOf(req).routeFound;
  return route === undefined ? undefined : routeKey(route);
}

/** Uses the values of the route table, so that clients cannot create buckets. */
function routeKey({ template, controller, action }: MatchedRoute): string {
  return `${template} ${controller} ${action}`;
}

function applies(rule: RateRule, req: IncomingMessage): boolean {
  if (rule.methods !== undefined && !methodsOf(req).some((method) => rule.methods!.has(method))) return false;
  return rule.path === undefined || rule.path.test(requestPath(req));
}

function policyOf({ name, rate, burst }: RateRule): string {
  return `"${name}";q=${burst};w=${Math.max(1, Math.round(burst / rate))}`;
}

function announce(res: ServerResponse, policy: string, left: string): void {
  beforeHead(res, () => {
    if (res.hasHeader('ratelimit-policy') || res.hasHeader('ratelimit')) {
      res.appendHeader('ratelimit-policy', policy).appendHeader('ratelimit', left);
    } else {
      // appendHeader of Node validates name and value twice if the header is not set.
      res.setHeader('ratelimit-policy', policy).setHeader('ratelimit', left);
    }
  });
}

function tooMany({ name }: RateRule, waitMs: number): Fault {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const message = `Too many requests (${name}); try again in ${seconds} s.`;
  return new Fault(429, { message, headers: { 'retry-after': String(seconds) } });
}

/**
 * Sets the headers for a token that was taken. Returns how long the request must wait, in milliseconds. Throws a `Fault` 429 over the
 * limit.
 */
function charge({ rule, policy }: CountedRule, taken: Taken, res: ServerResponse): number {
  if (res.headersSent) return 0;
  announce(res, policy, `"${rule.name}";r=${taken.left};t=${Math.ceil(taken.resetMs / 1000)}`);
  if (!taken.granted) throw tooMany(rule, taken.waitMs);
  return taken.waitMs;
}

/**
 * Returns undefined if the request may pass at once. Otherwise the promise resolves when it may pass, or to false if the client has
 * disconnected or the response has been sent.
 */
function passing(waitMs: number | Promise<number>, res: ServerResponse): undefined | Promise<boolean> {
  if (typeof waitMs === 'number') return waitMs > 0 ? later(waitMs, res) : undefined;
  return waitMs.then((ms) => (res.closed || res.headersSent ? false : ms > 0 ? later(ms, res) : true));
}

/** Waits, unless the client disconnects. */
function later(ms: number, res: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const left = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = systemClock.after(ms, () => {
      res.off('close', left);
      resolve(true);
    });
    res.once('close', left);
  });
}

/** Returns undefined for an empty list, because to check it would take 1.6 µs for each request. */
function networks(ranges: readonly string[]): BlockList | undefined {
  return ranges.length === 0 ? undefined : networkList(ranges);
}

function holds(block: BlockList | undefined, address: string): boolean {
  return block !== undefined && isInNetworks(block, address);
}
