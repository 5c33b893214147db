/** auth_token: authenticates callers by a token, as keystonemiddleware does. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { dirname } from 'node:path';
import {
  beforeHead,
  type DeclaredContext,
  environ,
  type FactoryContext,
  type Filter,
  filterFactory,
  type Identity,
  type OpenApiAdditions,
} from '../app/index.js';
import { exchangeOf, faultFormOf, optionOrigin, unvalidatedToken } from '../app/internal.js';
import { type Origin, refusalAt } from '../errors/index.js';
import { Drivers } from '../service/internal.js';
import { type AuthTokenOptions, authTokenOptions, type JwtOptions, jwtOptions } from './auth/auth-token-options.js';
import {
  addHeaders,
  type HeaderPairs,
  identityOf,
  serviceHeaders,
  stripIdentity,
  userHeaders,
} from './auth/identity.js';
import { secretOf } from './auth/jwt-secret.js';
import { behindScheme, serviceTokenOf, unauthenticated, userTokenOf } from './auth/presented-token.js';
import { oncePerToken, TokenCache, TokenLookup } from './auth/token-cache.js';
import { TokenCheck, type Verdicts } from './auth/token-check.js';
import { spellingsOf } from './auth/token-spelling.js';
import type { TokenInfo, TokenValidator, ValidatorSettings } from './auth/token-validator.js';

// Loads validators by name.

/** The built-in validators. Each is imported, with its dependencies, only when it is used. */
const SHIPPED = {
  keystone: async () => new (await import('./auth/keystone-validator.js')).KeystoneValidator(),
  jwt: async ({ config, originOf }: ValidatorSettings, own?: JwtOptions): Promise<TokenValidator> => {
    const options = own ?? config.group('jwt', jwtOptions);
    const secret = secretOf(options, config, originOf);
    const { tokenVerifier } = await import('./auth/issuer-tokens.js');
    const verify = tokenVerifier(options, secret, { config, originOf });
    return new (await import('./auth/jwt-validator.js')).JwtValidator(options, verify);
  },
  static: async () => new (await import('./auth/static-validator.js')).StaticValidator(),
};

/**
 * Creates and starts the validator that the options name. Throws for an unknown name and lists the known ones. `jwt` has the options of
 * the validator jwt if the section of the filter sets them.
 */
function startValidator(options: AuthTokenOptions, ctx: FactoryContext, jwt?: JwtOptions): Promise<TokenValidator> {
  return withDrivers(ctx, async (drivers) => {
    const { config, log, section } = ctx;
    // An option in the section of the filter takes precedence over the group.
    const group = jwt === undefined ? 'auth_token' : 'jwt';
    const originOf = (option: string): Origin => optionOrigin(ctx, group, option);
    const settings: ValidatorSettings = { options, config, log, origin: section.origin, originOf };
    const made = { required: ['validate'], args: [settings, jwt] };
    const validator = await drivers.load<TokenValidator>(options.validator, made);
    await validator.start?.(settings);
    return validator;
  });
}

/**
 * Checks for the errors that {@link startValidator} would throw. Built-in validators send nothing before the first token, so they are
 * started and stopped. A custom validator is only imported.
 */
async function tryValidator(options: AuthTokenOptions, ctx: FactoryContext, jwt?: JwtOptions): Promise<void> {
  if (Object.hasOwn(SHIPPED, options.validator)) {
    const validator = await startValidator(options, ctx, jwt);
    await validator.stop?.();
  } else await findValidator(options, ctx);
}

/** Throws for an unknown validator. Does not create it. */
async function findValidator({ validator }: AuthTokenOptions, ctx: FactoryContext): Promise<void> {
  await withDrivers(ctx, (drivers) => drivers.find(validator));
}

/** Reports an error of a driver at the option that names it. */
async function withDrivers<T>(ctx: FactoryContext, work: (drivers: Drivers) => Promise<T>): Promise<T> {
  const drivers = new Drivers({ folder: dirname(ctx.section.origin.file), builtin: SHIPPED, log: ctx.log });
  try {
    return await work(drivers);
  } catch (error) {
    throw refusalAt(error, optionOrigin(ctx, 'auth_token', 'validator'));
  }
}

declare module '../app/index.js' {
  interface Environ {
    /** The service that acts for the caller; set by auth_token. It grants no permissions by itself. */
    serviceIdentity?: Identity;
    /** The content of the caller's token; set by auth_token. */
    tokenInfo?: TokenInfo;
    /**
     * Set if auth_token passed a request on despite a bad token: `invalid`, or `unavailable` if the token could not be validated. For
     * `unavailable` respond with 503, not 401. Not set for a request without a token.
     */
    authError?: 'unavailable' | 'invalid';
    /** Removes a token from the caches of this process, so that a revoked token is refused at once. */
    invalidateToken?: (token: string) => void;
  }
}

/** The filter that auth_token creates. */
export interface AuthTokenFilter extends Filter {
  /** The same as `environ(req).invalidateToken`. */
  readonly invalidate: (token: string) => void;
}

/**
 * Accepts callers with a valid token. Others get 401 and a challenge, or with `delay_auth_decision` are passed on and marked. Responds
 * with 503 if the token cannot be validated. Adds the challenge to every 401 of the application. Sets `environ(req).identity`,
 * `serviceIdentity` and `tokenInfo`, and the headers of keystonemiddleware.
 */
export const authToken = filterFactory(
  'auth_token',
  authTokenOptions,
  (options, ctx): Promise<AuthTokenFilter> => tokenFilter(ctx, ...jwtOf(options, ctx)),
  {
    trial: async (options, ctx) => {
      // The other checks need a service configuration, which a filter loaded alone does not have.
      if (isAlone(ctx)) return findValidator(options, ctx);
      await tried(ctx, ...jwtOf(options, ctx));
    },
    openapi: (options, ctx) => openapiOf(...jwtOf(options, ctx)),
  },
);

/** Returns the options, and with the validator jwt also the options of `[jwt]`. `delay_auth_decision` in `[jwt]` takes precedence. */
function jwtOf(options: AuthTokenOptions, { config }: DeclaredContext): [options: AuthTokenOptions, jwt?: JwtOptions] {
  return options.validator === 'jwt' ? withJwt(options, config.group('jwt', jwtOptions)) : [options];
}

function withJwt(options: AuthTokenOptions, jwt: JwtOptions): [options: AuthTokenOptions, jwt: JwtOptions] {
  const { delayAuthDecision = options.delayAuthDecision } = jwt;
  return [{ ...options, validator: 'jwt', delayAuthDecision }, jwt];
}

/**
 * Authenticates callers by a JSON Web Token (RFC 7519) in `Authorization: Bearer` or `X-Auth-Token`. The same as auth_token with the
 * validator jwt, but the options of the validator can be set in the section of the filter. Other options come from `[auth_token]`.
 */
export const jwtAuth = filterFactory(
  'jwt',
  jwtOptions,
  (jwt, ctx): Promise<AuthTokenFilter> => tokenFilter(ctx, ...withJwt(sharedOptions(ctx), jwt)),
  {
    trial: async (jwt, ctx) => {
      if (!isAlone(ctx)) await tried(ctx, ...withJwt(sharedOptions(ctx), jwt));
    },
    openapi: (jwt, ctx) => openapiOf(...withJwt(sharedOptions(ctx), jwt)),
  },
);

/** Reports whether a paste file is loaded without a service and configuration files. */
function isAlone({ service, config }: FactoryContext): boolean {
  return service === undefined && config.configFiles.length === 0;
}

function sharedOptions({ config }: DeclaredContext): AuthTokenOptions {
  return config.group('auth_token', authTokenOptions);
}

/** Checks for the errors that {@link tokenFilter} would throw. */
async function tried(ctx: FactoryContext, options: AuthTokenOptions, jwt?: JwtOptions): Promise<void> {
  await tryValidator(options, ctx, jwt);
}

async function tokenFilter(ctx: FactoryContext, options: AuthTokenOptions, jwt?: JwtOptions): Promise<AuthTokenFilter> {
  const cache = cacheFor(options);
  const validator = await startValidator(options, ctx, jwt);
  const tokens = new TokenLookup(validator, cache);
  ctx.onClose(() => tokens.close());
  const scheme = schemeOf(options, jwt);
  const presented = scheme === undefined ? undefined : behindScheme(scheme);
  const tokenCheck = new TokenCheck(tokens, options, ctx.log);
  const challenge = validator.challenge?.() ?? 'Bearer realm="api"';
  // RFC 6750 §3.1: the challenge for a request without a token has no error.
  const badToken = /^bearer\b/i.test(challenge) ? `${challenge}, error="invalid_token"` : challenge;
  const invalidate = (token: string): void => {
    for (const spelling of spellingsOf(token)) tokens.invalidate(spelling);
  };

  const { setHeaders, legacyHeaders: legacy, includeServiceCatalog: catalog } = options;
  const knownBy = (headersOf: (identity: Identity, info: TokenInfo) => HeaderPairs): KnownCaller =>
    oncePerToken((info) => {
      const identity = Object.freeze(identityOf(info));
      return { identity, headers: setHeaders ? headersOf(identity, info) : [] };
    });
  const known = {
    user: knownBy((identity, info) => userHeaders(identity, info, { legacy, catalog })),
    service: knownBy(serviceHeaders),
  };

  const lacks = jwt?.requiredScope === undefined ? '' : `, 403 without the scope ${jwt.requiredScope}`;
  const refusals = `respond with 401 if it is not valid${lacks}, 503 if it cannot be validated`;
  const validation = `validate the token with ${options.validator}, and ${options.delayAuthDecision ? 'let the application decide' : refusals}`;
  const filter: Filter = (app) => (req, res) => {
    stripIdentity(req);
    let told = challenge;
    let unknown = false;
    beforeHead(res, () => (unknown ? unavailableInstead(res) : challengeEvery401(res, told)));
    const token = userTokenOf(req, presented);
    const { trial } = exchangeOf(req);
    if (trial !== undefined && (token !== undefined || trial.isUnknown('headers'))) {
      trial.assumeCaller(validation);
      return app(req, res);
    }
    const go = (verdicts: Verdicts): void | Promise<void> => {
      if (verdicts.user.status === 'invalid' || verdicts.service.status === 'invalid') told = badToken;
      if (!options.delayAuthDecision && isRefused(verdicts)) return refuse(req, res, told);
      unknown = verdicts.user.status === 'unavailable' || verdicts.service.status === 'unavailable';
      const headers = handOn(req, verdicts, known);
      if (verdicts.user.status === 'confirmed') exchangeOf(req).acceptedToken = token;
      if (setHeaders) addHeaders(req, headers);
      environ(req).invalidateToken = invalidate;
      return app(req, res);
    };
    const verdicts = tokenCheck.validate(req, token, serviceTokenOf(req));
    return verdicts instanceof Promise ? verdicts.then(go) : go(verdicts);
  };
  return Object.assign(filter, { invalidate });
}

function cacheFor({ tokenCacheTime }: AuthTokenOptions): TokenCache {
  return new TokenCache({
    lifeS: tokenCacheTime,
    // A token that becomes valid, because its service starts to know it, is not refused for long.
    negativeLifeS: tokenCacheTime < 0 ? 0 : 5,
    maxEntries: 10_000,
  });
}

/** Adds the challenge to a 401 of this filter or the application. */
function challengeEvery401(res: ServerResponse, challenge: string): void {
  if (res.statusCode !== 401) return;
  const there = [res.getHeader('www-authenticate') ?? []].flat().map(String);
  if (!there.includes(challenge)) res.setHeader('www-authenticate', [...there, challenge]);
}

/** Replaces a 401 with 503, because the token may be valid: the caller should retry, not log in again. */
function unavailableInstead(res: ServerResponse): void {
  if (res.statusCode !== 401) return;
  res.statusCode = 503;
  res.statusMessage = STATUS_CODES[503]!;
  res.removeHeader('www-authenticate');
  for (const [name, value] of Object.entries(unvalidatedToken().headers)) res.setHeader(name, value as string);
}

/** Responds with 401. With `fault_style = openstack` the body is the same as in keystonemiddleware, which differs from nova's faults. */
function refuse(req: IncomingMessage, res: ServerResponse, challenge: string): void {
  if (faultFormOf(req).style !== 'openstack') {
    throw unauthenticated({ 'www-authenticate': challenge });
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

/** Reports whether the caller gets 401. Throws a `Fault` 503 if a token could not be validated. */
function isRefused({ user, service }: Verdicts): boolean {
  if (user.status === 'absent' || service.status === 'invalid') return true;
  if (user.status === 'unavailable' || service.status === 'unavailable') throw unvalidatedToken();
  return user.status !== 'confirmed';
}

/** Returns the identity and headers for a confirmed token, created once for all its requests. */
type KnownCaller = (info: TokenInfo) => { readonly identity: Identity; readonly headers: HeaderPairs };

/** Sets the environ, and returns the corresponding headers. */
function handOn(
  req: IncomingMessage,
  { user, service }: Verdicts,
  known: { readonly user: KnownCaller; readonly service: KnownCaller },
): HeaderPairs {
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

// Additions of the filters auth_token and jwt to documents.

/** Returns the `Authorization` scheme that carries a token; undefined if that header is not read. */
function schemeOf({ acceptBearer }: AuthTokenOptions, jwt: JwtOptions | undefined): string | undefined {
  return jwt?.scheme ?? (acceptBearer ? 'Bearer' : undefined);
}

function openapiOf(options: AuthTokenOptions, jwt?: JwtOptions): OpenApiAdditions {
  const scheme = schemeOf(options, jwt);
  const schemes: [string, object][] = [['token', { type: 'apiKey', in: 'header', name: 'X-Auth-Token' }]];
  if (scheme !== undefined) schemes.push(documentedScheme(scheme));
  const securitySchemes = Object.fromEntries(schemes);
  const security = schemes.map(([name]) => ({ [name]: [] }));
  if (options.delayAuthDecision) return { security: [{}, ...security], securitySchemes };
  const scope = jwt?.requiredScope;
  const noScope = scope !== undefined && { 403: { description: `The token does not have the scope ${scope}.` } };
  return {
    security,
    securitySchemes,
    responses: {
      401: { description: 'The token is missing or not valid.' },
      ...noScope,
      503: { description: 'The token cannot be validated at the moment.' },
    },
  };
}

/** Returns a scheme in OpenAPI 3.1. The type `http` only covers registered schemes (RFC 9110 §16.4.1). */
function documentedScheme(scheme: string): [name: string, scheme: object] {
  if (scheme.toLowerCase() === 'bearer') return ['bearer', { type: 'http', scheme: 'bearer' }];
  return [
    scheme.toLowerCase(),
    { type: 'apiKey', in: 'header', name: 'Authorization', description: `${scheme}, a space, and the token.` },
  ];
}
