/**
 * The validator `jwt`: JSON Web Tokens (RFC 7519), checked with their issuer's public keys as RFC 8725 asks.
 */
import { createPublicKey } from 'node:crypto';
import { dirname } from 'node:path';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { Fault } from '../../app/index.js';
import { ConfigurationRefused } from '../../errors.js';
import { importModuleExport } from '../../service/index.js';
import { JwksSource, remoteKeys } from './jwks-source.js';
import { type JwtOptions, jwtOptions } from './jwt-options.js';
import type { TokenInfo, TokenValidator, ValidateOptions, ValidatorSettings } from './token-validator.js';

/** Asked with the `jti` of a token, which may be absent; true refuses it. */
export type IsRevoked = (jti: string | undefined) => boolean | Promise<boolean>;

/** Takes its options from `[jwt]`. A token without `exp` is refused, and so is one with a `crit` that is not understood. */
export class JwtValidator implements TokenValidator {
  #options!: JwtOptions;
  readonly #given: JwtOptions | undefined;
  #keyFor!: JWTVerifyGetKey;
  #isRevoked: IsRevoked = () => false;

  /** Options other than those of `[jwt]`. */
  constructor(given?: JwtOptions) {
    this.#given = given;
  }

  async start(settings: ValidatorSettings): Promise<void> {
    this.#options = this.#given ?? settings.config.group('jwt', jwtOptions);
    this.#keyFor = keysFor(this.#options, settings);
    if (this.#options.isRevoked === undefined) return;
    const folder = dirname(settings.origin.file);
    this.#isRevoked = (await importModuleExport(this.#options.isRevoked, { folder })) as IsRevoked;
  }

  challenge(): string {
    return `Bearer realm="${quotable(this.#options.audience)}", error="invalid_token"`;
  }

  async validate(token: string, { allowExpired }: ValidateOptions): Promise<TokenInfo | null> {
    const payload = await this.#verified(token, allowExpired);
    if (payload === null || (await this.#isRevoked(payload.jti))) return null;
    const info = identityIn(payload, this.#options);
    if (info !== null) this.#requireScope(payload);
    return info;
  }

  async #verified(token: string, allowExpired: boolean): Promise<JWTPayload | null> {
    const { algorithms, issuer, audience, typ, clockSkewS } = this.#options;
    try {
      const { payload } = await jwtVerify(token, this.#keyFor, {
        algorithms: [...algorithms],
        issuer,
        audience,
        clockTolerance: clockSkewS,
        requiredClaims: ['exp'],
        ...(typ === undefined ? {} : { typ }),
      });
      return this.#isFromTheFuture(payload) ? null : payload;
    } catch (error) {
      // Looked at last: all else about the token was right.
      if (
        allowExpired &&
        error instanceof errors.JWTExpired &&
        error.claim === 'exp' &&
        error.reason === 'check_failed'
      ) {
        return this.#isFromTheFuture(error.payload) ? null : error.payload;
      }
      // A token that is no token, or one whose `kid` or key cannot be used with its `alg`.
      if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
      throw error;
    }
  }

  #isFromTheFuture({ iat }: JWTPayload): boolean {
    return iat !== undefined && iat > Date.now() / 1000 + this.#options.clockSkewS;
  }

  #requireScope({ scope }: JWTPayload): void {
    const { requiredScope: wanted } = this.#options;
    if (wanted === undefined || (typeof scope === 'string' && scope.split(' ').includes(wanted))) return;
    const about = `error="insufficient_scope", scope="${quotable(wanted)}"`;
    throw new Fault(403, {
      message: `The token has not the scope ${wanted}.`,
      headers: { 'www-authenticate': `Bearer realm="${quotable(this.#options.audience)}", ${about}` },
    });
  }
}

function keysFor(options: JwtOptions, { config, origin }: ValidatorSettings): JWTVerifyGetKey {
  const file = options.publicKeyFile ?? options.jwksFile;
  if (file === undefined) {
    const read = remoteKeys(options);
    return new JwksSource(async () => createLocalJWKSet(await read()), options).keyFor;
  }
  try {
    const bytes = config.readFile(file);
    if (options.publicKeyFile === undefined) return createLocalJWKSet(JSON.parse(bytes.toString()) as JSONWebKeySet);
    const key = createPublicKey(bytes);
    return () => Promise.resolve(key);
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_JWT_KEYS', {
      message: `the keys for tokens cannot be read from ${file}: ${(cause as Error).message}`,
      hint: 'Name a JSON Web Key Set in jwks_file, or a public key as PEM in public_key_file.',
      origin,
      cause,
    });
  }
}

/** Null where a claim is not what it has to be. */
function identityIn(payload: JWTPayload, { claims, clockSkewS }: JwtOptions): TokenInfo | null {
  const at = (field: string): unknown => claimAt(payload, claims.get(field));
  const word = (field: string): string | undefined => {
    const value = at(field);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const userId = word('user_id');
  const roles = at('roles') ?? [];
  if (userId === undefined || !Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) return null;
  return {
    userId,
    userName: word('user_name'),
    projectId: word('project_id'),
    projectName: word('project_name'),
    roles,
    expiresAt: new Date((payload.exp! + clockSkewS) * 1000),
    bind: binding(payload.cnf),
    claims: payload,
  };
}

/** A claim, or a member of one: `realm_access.roles`. A claim whose own name has dots comes first. */
function claimAt(payload: JWTPayload, path: string | undefined): unknown {
  if (path === undefined || Object.hasOwn(payload, path)) return path === undefined ? undefined : payload[path];
  return path.split('.').reduce<unknown>((value, name) => {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    return isObject ? (value as Record<string, unknown>)[name] : undefined;
  }, payload);
}

/** RFC 8705 §3.1: `x5t#S256` is the thumbprint of the bearer's certificate. */
function binding(confirmation: unknown): Record<string, unknown> | undefined {
  if (typeof confirmation !== 'object' || confirmation === null) return undefined;
  return Object.fromEntries(
    Object.entries(confirmation).map(([kind, value]) => [kind === 'x5t#S256' ? 'x509' : kind, value]),
  );
}

function quotable(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, '');
}
