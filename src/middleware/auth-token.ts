/**
 * auth_token: callers show who they are by a token that an identity service vouches for, as keystonemiddleware's.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import {
  beforeHead,
  type DescribeContext,
  type Description,
  environ,
  type FactoryContext,
  Fault,
  type Filter,
  filterFactory,
  type Identity,
} from '../app/index.js';
import { faultFormOf, optionOrigin } from '../app/internal.js';
import { ConfigurationRefused } from '../errors/index.js';
import {
  type AuthTokenOptions,
  authTokenOptions,
  type JwtOptions,
  jwtOptions,
  unaliasedAuthTokenOptions,
} from './auth/auth-token-options.js';
import { describeOptions, schemeOf } from './auth/describe-options.js';
import {
  addHeaders,
  type HeaderPairs,
  identityOf,
  serviceHeaders,
  stripIdentity,
  userHeaders,
} from './auth/identity.js';
import { behindScheme, serviceTokenOf, userTokenOf } from './auth/presented-token.js';
import { oncePerToken, TokenCache, TokenLookup } from './auth/token-cache.js';
import { TokenJudge, type Verdicts } from './auth/token-judge.js';
import type { TokenInfo } from './auth/token-validator.js';
import { findValidator, startValidator, tryValidator } from './auth/validator-drivers.js';

declare module '../app/index.js' {
  interface Environ {
    /** The service that asks for the caller; set by auth_token. Gives no rights by itself. */
    serviceIdentity?: Identity;
    /** All that the caller's token says; set by auth_token. */
    tokenInfo?: TokenInfo;
    /**
     * Set where auth_token let a request through in spite of its token: `invalid` for one that is not valid, `unavailable` for
     * one that could not be checked, where an answer of 503 is right, not 401. Without a token it is not there.
     */
    authError?: 'unavailable' | 'invalid';
    /** Makes auth_token forget what it knows about a token, in this process: one that was revoked is refused at once. */
    invalidateToken?: (token: string) => void;
  }
}

/** The filter auth_token makes. */
export interface AuthTokenFilter extends Filter {
  /** The same as `environ(req).invalidateToken`. */
  readonly invalidate: (token: string) => void;
}

/**
 * Lets in callers with a valid token; others get 401 and a challenge, or, with `delay_auth_decision`, are marked for
 * the application to decide. 503 where the validator cannot tell. Every 401 of the application gets the challenge too.
 * Sets `environ(req).identity`, `serviceIdentity` and `tokenInfo`, and the headers of keystonemiddleware.
 */
export const authToken = filterFactory(
  'auth_token',
  authTokenOptions,
  (given, ctx): Promise<AuthTokenFilter> => tokenFilter(ctx, ...jwtOf(ownGroup(given, ctx), ctx)),
  {
    trial: async (given, ctx) => {
      // The rest depends on a service configuration, which a filter loaded alone does not have.
      if (isAlone(ctx)) return findValidator(given, ctx);
      await tried(ctx, ...jwtOf(ownGroup(given, ctx), ctx));
    },
    describe,
  },
);

function describe(given: AuthTokenOptions, req: IncomingMessage | undefined, ctx: DescribeContext): Description {
  return describeOptions(req, ...jwtOf(ownGroup(given, ctx), ctx));
}

/** The options, and with the validator jwt those of `[jwt]`, of which one wins over theirs. */
function jwtOf(options: AuthTokenOptions, { config }: DescribeContext): [options: AuthTokenOptions, jwt?: JwtOptions] {
  return options.validator === 'jwt' ? withJwt(options, config.group('jwt', jwtOptions)) : [options];
}

function withJwt(options: AuthTokenOptions, jwt: JwtOptions): [options: AuthTokenOptions, jwt: JwtOptions] {
  const { delayAuthDecision = options.delayAuthDecision } = jwt;
  return [{ ...options, validator: 'jwt', delayAuthDecision }, jwt];
}

/**
 * Authenticates callers by a signed token (JSON Web Token, RFC 7519) in `Authorization: Bearer` or `X-Auth-Token`. It is
 * auth_token with the validator jwt, whose options can be set in the section of the filter; other options come from `[auth_token]`.
 */
export const jwtAuth = filterFactory(
  'jwt',
  jwtOptions,
  (jwt, ctx): Promise<AuthTokenFilter> => tokenFilter(ctx, ...withJwt(sharedOptions(ctx), jwt)),
  {
    trial: async (jwt, ctx) => {
      if (!isAlone(ctx)) await tried(ctx, ...withJwt(sharedOptions(ctx), jwt));
    },
    describe: (jwt, req, ctx) => describeOptions(req, ...withJwt(sharedOptions(ctx), jwt)),
  },
);

/** A paste file by itself is looked at. */
function isAlone({ service, config }: FactoryContext): boolean {
  return service === undefined && config.configFiles.length === 0;
}

function sharedOptions({ config }: DescribeContext): AuthTokenOptions {
  return config.group('auth_token', authTokenOptions);
}

/** Finds what {@link tokenFilter} would refuse. */
async function tried(ctx: FactoryContext, options: AuthTokenOptions, jwt?: JwtOptions): Promise<void> {
  cacheFor(options, ctx);
  await tryValidator(options, ctx, jwt);
}

async function tokenFilter(ctx: FactoryContext, options: AuthTokenOptions, jwt?: JwtOptions): Promise<AuthTokenFilter> {
  const cache = cacheFor(options, ctx);
  const validator = await startValidator(options, ctx, jwt);
  const tokens = new TokenLookup(validator, cache);
  ctx.onClose(() => tokens.close());
  const scheme = schemeOf(options, jwt);
  const presented = scheme === undefined ? undefined : behindScheme(scheme);
  const judge = new TokenJudge(tokens, options, ctx.log);
  const challenge = validator.challenge?.() ?? 'Bearer realm="api"';
  // RFC 6750 §3.1: a caller without a token is told no error.
  const badToken = /^bearer\b/i.test(challenge) ? `${challenge}, error="invalid_token"` : challenge;
  const extra = options.extraStrip.map((name) => name.toLowerCase().replaceAll('_', '-'));
  const extraStrip = extra.length === 0 ? undefined : new Set(extra);
  const invalidate = (token: string): void => tokens.invalidate(token);

  const { setHeaders, legacyHeaders: legacy } = options;
  const known: Known = {
    user: oncePerToken((info) => {
      const identity = Object.freeze(identityOf(info));
      return { identity, headers: setHeaders ? userHeaders(identity, info, { legacy }) : [] };
    }),
    service: oncePerToken((info) => {
      const identity = Object.freeze(identityOf(info));
      return { identity, headers: setHeaders ? serviceHeaders(identity) : [] };
    }),
  };

  const filter: Filter = (app) => (req, res) => {
    stripIdentity(req, extraStrip);
    let told = challenge;
    let unknown = false;
    beforeHead(res, () => (unknown ? unavailableInstead(res) : challengeEvery401(res, told)));
    const go = (verdicts: Verdicts): void | Promise<void> => {
      if (verdicts.user.status === 'invalid' || verdicts.service.status === 'invalid') told = badToken;
      if (!options.delayAuthDecision && isRefused(verdicts)) return refuse(req, res, told);
      unknown = verdicts.user.status === 'unavailable' || verdicts.service.status === 'unavailable';
      const headers = handOn(req, verdicts, known);
      if (setHeaders) addHeaders(req, headers);
      environ(req).invalidateToken = invalidate;
      return app(req, res);
    };
    const verdicts = judge.judge(req, userTokenOf(req, presented), serviceTokenOf(req));
    return verdicts instanceof Promise ? verdicts.then(go) : go(verdicts);
  };
  return Object.assign(filter, { invalidate });
}

function ownGroup(options: AuthTokenOptions, { config, section }: DescribeContext): AuthTokenOptions {
  if (options.configGroup === undefined || options.configGroup === 'auth_token') return options;
  return config.group(options.configGroup, unaliasedAuthTokenOptions, { local: section.options });
}

/** A process remembers a token that memcached has for this part of token_cache_time. */
const SHARED_PART = 10;

function cacheFor(options: AuthTokenOptions, ctx: FactoryContext): TokenCache {
  const refuse = (option: string, message: string, hint: string): never => {
    const origin = optionOrigin(ctx, options.configGroup ?? 'auth_token', option);
    throw new ConfigurationRefused('PORTICO_TOKEN_CACHE', { message, hint, origin });
  };
  const secured = options.cacheSecurity !== 'none';
  if (secured && (options.cacheSecretKey ?? '') === '') {
    const message = `cache_security is ${options.cacheSecurity}, but cache_secret_key is missing`;
    refuse('cache_security', message, 'Set cache_secret_key, or remove cache_security.');
  }
  return new TokenCache({
    // Behind it a token may be kept for its whole time again.
    lifeS:
      options.tokenCacheTime /
      (options.validator === 'keystone' && options.memcachedServers.length > 0 ? SHARED_PART : 1),
    negativeLifeS: options.negativeCacheTime,
    maxEntries: options.tokenCacheMaxEntries,
    secretKey: secured ? options.cacheSecretKey : undefined,
  });
}

/** Adds the challenge to every 401, of the application as of this filter. */
function challengeEvery401(res: ServerResponse, challenge: string): void {
  if (res.statusCode !== 401) return;
  const there = [res.getHeader('www-authenticate') ?? []].flat().map(String);
  if (!there.includes(challenge)) res.setHeader('www-authenticate', [...there, challenge]);
}

/** Of a token that may be good nothing is known: the caller shall try again, and not log in anew. */
function unavailableInstead(res: ServerResponse): void {
  if (res.statusCode !== 401) return;
  res.statusCode = 503;
  res.statusMessage = STATUS_CODES[503]!;
  res.removeHeader('www-authenticate');
  for (const [name, value] of Object.entries(UNAVAILABLE_HEADERS)) res.setHeader(name, value);
}

const UNAVAILABLE_HEADERS = { 'retry-after': '5' };

/** With `fault_style = openstack` the answer has the body of keystonemiddleware, which is not of the form that nova's faults have. */
function refuse(req: IncomingMessage, res: ServerResponse, challenge: string): void {
  if (faultFormOf(req).style !== 'openstack') {
    throw new Fault(401, {
      message: 'The request requires authentication.',
      headers: { 'www-authenticate': challenge },
    });
  }
  res.statusCode = 401;
  res.setHeader('www-authenticate', challenge);
  res.setHeader('content-type', 'application/json');
  res.setHeader('content-length', Buffer.byteLength(KEYSTONE_401));
  res.end(req.method === 'HEAD' ? undefined : KEYSTONE_401);
}

const KEYSTONE_401 = JSON.stringify({
  error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
});

/** Whether the caller gets 401. Throws a `Fault` 503 where a token cannot be judged. */
function isRefused({ user, service }: Verdicts): boolean {
  const unauthorized = user.status === 'absent' || service.status === 'invalid';
  if (!unauthorized) {
    for (const verdict of [service, user]) {
      if (verdict.status === 'unavailable') {
        throw new Fault(503, {
          message: 'The token cannot be validated at the moment.',
          headers: UNAVAILABLE_HEADERS,
        });
      }
    }
    if (user.status === 'confirmed') return false;
  }
  return true;
}

/** Facts of a confirmed token for applications; the same for all its requests. */
interface Known {
  user(info: TokenInfo): { readonly identity: Identity; readonly headers: HeaderPairs };
  service(info: TokenInfo): { readonly identity: Identity; readonly headers: HeaderPairs };
}

/** Sets the environ, and gives the headers that say the same. */
function handOn(req: IncomingMessage, { user, service }: Verdicts, known: Known): HeaderPairs {
  const env = environ(req);
  const headers: HeaderPairs[number][] = [];
  headers.push(['x-identity-status', user.status === 'confirmed' ? 'Confirmed' : 'Invalid']);
  if (service.status !== 'absent') {
    headers.push(['x-service-identity-status', service.status === 'confirmed' ? 'Confirmed' : 'Invalid']);
  }
  if (user.status === 'invalid' || service.status === 'invalid') env.authError = 'invalid';
  if (user.status === 'unavailable' || service.status === 'unavailable') env.authError = 'unavailable';
  if (user.status === 'confirmed') {
    env.tokenInfo = user.info;
    const told = known.user(user.info);
    env.identity = told.identity;
    headers.push(...told.headers);
  }
  if (service.status === 'confirmed') {
    const told = known.service(service.info);
    env.serviceIdentity = told.identity;
    headers.push(...told.headers);
  }
  return headers;
}
