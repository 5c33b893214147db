/**
 * rate_limit: so many requests in so much time, and no more.
 */
import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { beforeHead, environ, Fault, filterFactory, remoteOf } from '../app/index.js';
import { boolean, cidr, defineOptions, integer, list, multi, oneOf, workerAssignment } from '../config/index.js';
import type { Origin } from '../errors.js';
import { systemClock } from '../tasks/index.js';
import type {} from './auth/identity.js';
import { fullPath } from './path-prefix-match.js';
import { parseRule, type RateRule } from './rates/rate-rules.js';
import { TokenBuckets } from './rates/token-buckets.js';

export const rateLimitOptions = defineOptions({
  rules: multi({
    help: 'name key rate burst [methods] [path], such as "all address 10/s 20" or "boot project 5/m 5 POST /servers". Keys: address, project, user, token-hash, route.',
    mutable: true,
  }),
  allow: list({ item: cidr(), default: [], mutable: true, help: 'Networks that are never limited.' }),
  deny: list({ item: cidr(), default: [], mutable: true, help: 'Networks that get 403.' }),
  sleep_ms: integer({
    default: 0,
    min: 0,
    mutable: true,
    help: 'Requests that would have to wait no longer than this are delayed instead of refused.',
  }),
  store: oneOf(['memory'], { default: 'memory', help: 'Where the counts are: in each worker.' }),
  max_keys: integer({ default: 100_000, min: 1, help: 'How many callers are counted at once; the longest idle go.' }),
  worker_share: boolean({
    default: true,
    help: 'Divides the rates by the number of workers, for each counts by itself.',
  }),
});

interface CountedRule {
  readonly rule: RateRule;
  /** What every answer says of it. */
  readonly policy: string;
  readonly buckets: TokenBuckets;
}

interface Limits {
  /** By their text, in their order. */
  readonly rules: ReadonlyMap<string, CountedRule>;
  readonly allow: BlockList | undefined;
  readonly deny: BlockList | undefined;
}

/**
 * A token bucket for each rule and caller. Over the limit: 429 with `Retry-After`. Every answer that a rule counted has
 * `RateLimit` and `RateLimit-Policy`. Denied networks get 403.
 */
export const rateLimit = filterFactory(
  'rate_limit',
  rateLimitOptions,
  (options, ctx, live) => {
    const workers = options.workerShare ? (workerAssignment()?.workers ?? 1) : 1;
    if (workers > 1) ctx.log.info('rate limits are divided by the number of workers', { workers });
    const countedRule = (text: string, origin: Origin): CountedRule => {
      const rule = parseRule(text, origin);
      const share = { rate: rule.rate / workers, burst: Math.max(1, Math.round(rule.burst / workers)) };
      return { rule, policy: policyOf(rule), buckets: new TokenBuckets({ ...share, maxKeys: options.maxKeys }) };
    };
    // A rule that stays keeps its counts: a new configuration must not give everybody a new burst.
    const make = (before: ReadonlyMap<string, CountedRule>): Limits => {
      const { rules, allow, deny } = live();
      const origin = ctx.section.options.get('rules')?.origin ?? ctx.section.origin;
      return {
        rules: new Map(rules.map((text) => [text, before.get(text) ?? countedRule(text, origin)])),
        allow: networks(allow),
        deny: networks(deny),
      };
    };
    let limits = make(new Map());
    ctx.onClose(
      ctx.config.onMutate(() => {
        limits = make(limits.rules);
      }),
    );

    return (app) => (req, res) => {
      const { address } = remoteOf(req);
      if (holds(limits.deny, address))
        throw new Fault(403, { message: 'Requests from your address are not accepted.' });
      if (holds(limits.allow, address)) return app(req, res);
      let waitMs = 0;
      for (const { rule, policy, buckets } of limits.rules.values()) {
        if (!applies(rule, req)) continue;
        const key = keyOf(rule, req, address);
        if (key === undefined) continue;
        const taken = buckets.take(key, systemClock.now(), live().sleepMs);
        announce(res, policy, `"${rule.name}";r=${taken.left};t=${Math.ceil(taken.resetMs / 1000)}`);
        if (!taken.granted) throw tooMany(rule, taken.waitMs);
        waitMs = Math.max(waitMs, taken.waitMs);
      }
      return waitMs > 0 ? later(waitMs, res).then((here) => (here ? app(req, res) : undefined)) : app(req, res);
    };
  },
  { trial: true },
);

function applies(rule: RateRule, req: IncomingMessage): boolean {
  if (rule.methods !== undefined && !rule.methods.has(req.method ?? '')) return false;
  return rule.path === undefined || rule.path.test(fullPath(req));
}

/** Who is counted; undefined when this rule's kind of caller is not known. */
function keyOf(rule: RateRule, req: IncomingMessage, address: string): string | undefined {
  const { context, identity } = environ(req);
  if (rule.key === 'address') return addressKey(address);
  if (rule.key === 'project') return context?.projectId ?? identity?.projectId;
  if (rule.key === 'user') return context?.userId ?? identity?.userId;
  if (rule.key === 'route') return `${req.method} ${environ(req).route?.template ?? fullPath(req)}`;
  const token = req.headers['x-auth-token'] ?? req.headers.authorization;
  return typeof token === 'string' ? hash('sha256', token, 'base64url') : undefined;
}

/** Whoever has an IPv6 address has a network of them. */
function addressKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

function policyOf({ name, rate, burst }: RateRule): string {
  return `"${name}";q=${burst};w=${Math.max(1, Math.round(burst / rate))}`;
}

function announce(res: ServerResponse, policy: string, left: string): void {
  beforeHead(res, () => {
    if (res.hasHeader('ratelimit-policy') || res.hasHeader('ratelimit')) {
      res.appendHeader('ratelimit-policy', policy).appendHeader('ratelimit', left);
    } else {
      // Node's appendHeader checks name and value twice where there is nothing to append to.
      res.setHeader('ratelimit-policy', policy).setHeader('ratelimit', left);
    }
  });
}

function tooMany({ name }: RateRule, waitMs: number): Fault {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const message = `Too many requests (${name}); try again in ${seconds} s.`;
  return new Fault(429, { message, headers: { 'retry-after': String(seconds) } });
}

/** Waits, unless the client leaves. */
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

/** Undefined for none: asking an empty list would cost 1.6 µs a request. */
function networks(ranges: readonly string[]): BlockList | undefined {
  if (ranges.length === 0) return undefined;
  const block = new BlockList();
  for (const range of ranges) {
    const slash = range.lastIndexOf('/');
    const network = range.slice(0, slash);
    block.addSubnet(network, Number(range.slice(slash + 1)), isIPv6(network) ? 'ipv6' : 'ipv4');
  }
  return block;
}

function holds(block: BlockList | undefined, address: string): boolean {
  if (block === undefined) return false;
  const version = isIP(address);
  return version !== 0 && block.check(address, version === 6 ? 'ipv6' : 'ipv4');
}
