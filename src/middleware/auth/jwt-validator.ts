/**
 * The validator `jwt`: JSON Web Tokens (RFC 7519), checked with their issuer's public keys as RFC 8725 asks.
 */
import { createPublicKey } from 'node:crypto';
import { dirname } from 'node:path';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { Fault } from '../../app/index.js';
import { ConfigurationRefused } from '../../errors/index.js';
import { importModuleExport } from '../../service/internal.js';
import { type JwtOptions, jwtOptions } from './auth-token-options.js';
import {
  isRefused,
  type RefusedToken,
  type TokenInfo,
  type TokenValidator,
  type ValidateOptions,
  type ValidatorSettings,
  ValidatorUnavailable,
} from './token-validator.js';

/** Asked with the `jti` of a token, which may be absent; true refuses it. */
export type IsRevoked = (jti: string | undefined) => boolean | Promise<boolean>;

/** Takes its options from `[jwt]`. A token without `exp` is refused, and so is one with a `crit` that is not understood. */
export class JwtValidator implements TokenValidator {
  #options!: JwtOptions;
  readonly #ownOptions: JwtOptions | undefined;
  #keyFor!: JWTVerifyGetKey;
  #isRevoked: IsRevoked = () => false;

  /** Options other than those of `[jwt]`. */
  constructor(ownOptions?: JwtOptions) {
    this.#ownOptions = ownOptions;
  }

  async start(settings: ValidatorSettings): Promise<void> {
    this.#options = this.#ownOptions ?? settings.config.group('jwt', jwtOptions);
    this.#keyFor = keysFor(this.#options, settings);
    if (this.#options.isRevoked === undefined) return;
    const folder = dirname(settings.origin.file);
    this.#isRevoked = (await importModuleExport(this.#options.isRevoked, { folder })) as IsRevoked;
  }

  challenge(): string {
    return `Bearer realm="${quotable(this.#options.audience)}"`;
  }

  async validate(token: string, { allowExpired }: ValidateOptions): Promise<TokenInfo | RefusedToken> {
    const verified = await this.#verified(token, allowExpired);
    if ('refused' in verified) return verified;
    const { payload } = verified;
    if (this.#isFromTheFuture(payload)) return { refused: 'it is from the future (iat)' };
    if (await this.#isRevoked(payload.jti)) return { refused: 'revoked' };
    const info = identityIn(payload, this.#options);
    if (!isRefused(info)) this.#requireScope(payload);
    return info;
  }

  async #verified(token: string, allowExpired: boolean): Promise<{ readonly payload: JWTPayload } | RefusedToken> {
    const { algorithms, issuer, audience, typ, clockSkewS } = this.#options;
    try {
      return await jwtVerify(token, this.#keyFor, {
        algorithms: [...algorithms],
        issuer,
        audience,
        clockTolerance: clockSkewS,
        requiredClaims: ['exp'],
        ...(typ === undefined ? {} : { typ }),
      });
    } catch (error) {
      // Looked at last: all else about the token was right.
      if (
        allowExpired &&
        error instanceof errors.JWTExpired &&
        error.claim === 'exp' &&
        error.reason === 'check_failed'
      ) {
        return { payload: error.payload };
      }
      // A token that is no token, or one whose `kid` or key cannot be used with its `alg`.
      if (error instanceof errors.JOSEError || error instanceof TypeError) return { refused: reasonOf(error) };
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
  if (file === undefined) return issuerKeys(options);
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

const WRONG_CLAIMS: Readonly<Record<string, string>> = {
  aud: 'wrong audience (aud)',
  iss: 'wrong issuer (iss)',
  nbf: 'it does not count yet (nbf)',
};

/** By the class of an error of jose, whose messages are its own affair. Says nothing that the token says. */
function reasonOf(error: errors.JOSEError | TypeError): string {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === 'missing') return `it has no ${claim}`;
    return WRONG_CLAIMS[claim] ?? `wrong ${claim}`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown key: the issuer has none for its kid and alg';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'wrong signature';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its alg is not among the algorithms accepted';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'malformed: not a signed token';
  return 'its header asks for what is not supported, or its key does not fit its alg';
}

/** Refuses where a claim is not what it has to be. */
function identityIn(payload: JWTPayload, { claims, clockSkewS }: JwtOptions): TokenInfo | RefusedToken {
  const at = (field: string): unknown => claimAt(payload, claims.get(field));
  const word = (field: string): string | undefined => {
    const value = at(field);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const userId = word('user_id');
  const roles = at('roles') ?? [];
  if (userId === undefined) return { refused: `it names no user (${claims.get('user_id')})` };
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) {
    return { refused: `its roles are no list of names (${claims.get('roles')})` };
  }
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

/** The most bytes of a document of the issuer. */
const DOCUMENT_BYTES = 1024 * 1024;

/**
 * An issuer's keys, read over HTTP and kept: on first use, again after `jwks_max_age_s`, and for a key that is not among them, but
 * not within `jwks_cooldown_s`. Beside what `jose` does: where the keys are, how many bytes they may have, a pause after a read
 * that failed, and how long the old keys count on. Throws {@link ValidatorUnavailable} when there are no keys to look in.
 */
export function issuerKeys(options: JwtOptions): JWTVerifyGetKey {
  const { jwksUri, issuer, jwksCooldownS, jwksMaxAgeS, jwksStaleS, jwksTimeoutMs } = options;
  let known: JWTVerifyGetKey | undefined;
  let readAt = 0;
  let failed: { readonly error: unknown; readonly at: number } | undefined;

  const read = async (_url: string, { signal }: { readonly signal: AbortSignal }): Promise<Response> => {
    if (failed !== undefined && Date.now() < failed.at + jwksCooldownS * 1000) throw failed.error;
    try {
      const keys = (await documentAt(
        jwksUri ?? (await discovered(issuer, signal)),
        signal,
      )) as unknown as JSONWebKeySet;
      known = createLocalJWKSet(keys);
      readAt = Date.now();
      failed = undefined;
      return Response.json(keys);
    } catch (error) {
      failed = { error, at: Date.now() };
      throw error;
    }
  };
  const keyFor = createRemoteJWKSet(new URL(jwksUri ?? 'openid:'), {
    cooldownDuration: jwksCooldownS * 1000,
    cacheMaxAge: jwksMaxAgeS * 1000,
    timeoutDuration: jwksTimeoutMs,
    [customFetch]: read,
  });

  return async (header, token) => {
    try {
      return await keyFor(header, token);
    } catch (error) {
      if (failed === undefined) throw error;
      if (known !== undefined && Date.now() < readAt + (jwksMaxAgeS + jwksStaleS) * 1000) {
        try {
          return await known(header, token);
        } catch (unknown) {
          // It may be of a key that the issuer has since: that cannot be told now.
          if (!(unknown instanceof errors.JWKSNoMatchingKey)) throw unknown;
        }
      }
      throw new ValidatorUnavailable(`keys: ${(failed.error as Error).message}`, failed.error);
    }
  };
}

/** Where the issuer's own document (OpenID Connect Discovery 1.0) says its keys are. */
async function discovered(issuer: string, signal: AbortSignal): Promise<string> {
  const document = await documentAt(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
  if (document.issuer !== issuer) throw new Error(`the document of ${issuer} is that of another issuer`);
  return String(document.jwks_uri);
}

async function documentAt(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(url, { redirect: 'error', signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > DOCUMENT_BYTES) throw new Error(`${url} answered with more than ${DOCUMENT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}
