/** Verifies JSON Web Tokens (RFC 7519), with the public keys of their issuer or the secret of an API that signs them, as RFC 8725 recommends. */
import { createPublicKey } from 'node:crypto';
import { resolve } from 'node:path';
import { ConfigurationRefused } from '../../errors/index.js';
import type { JwtOptions } from './auth-token-options.js';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  jwtVerify,
} from './jose.js';
import type { JwtSecret } from './jwt-secret.js';
import type { Verify } from './jwt-validator.js';
import { isCompactJws } from './token-spelling.js';
import { type ValidatorSettings, ValidatorUnavailable } from './token-validator.js';

/**
 * Returns the function that verifies tokens with the secret, or else with the public keys of their issuer. Throws `PORTICO_JWT_KEYS` if
 * options for these are missing or the keys cannot be read.
 */
export function tokenVerifier(
  options: JwtOptions,
  secret: JwtSecret | undefined,
  where: Pick<ValidatorSettings, 'config' | 'originOf'>,
): Verify {
  const { issuer, audience, typ, clockSkewS } = options;
  const keyFor = secret === undefined ? keysFor(options, where) : async () => secret.key;
  const { algorithms } = secret ?? options;
  return async (token, allowExpired) => {
    if (!isCompactJws(token)) return { refused: MALFORMED };
    try {
      return await jwtVerify(token, keyFor, {
        algorithms: algorithms.length === 0 ? PUBLIC_KEY_ALGORITHMS : [...algorithms],
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
        clockTolerance: clockSkewS,
        requiredClaims: ['exp'],
        ...(typ === undefined ? {} : { typ }),
      });
    } catch (error) {
      // `exp` is checked last, so the rest of the token is valid.
      if (
        allowExpired &&
        error instanceof errors.JWTExpired &&
        error.claim === 'exp' &&
        error.reason === 'check_failed'
      ) {
        return { payload: error.payload };
      }
      // The token is malformed, or its `kid` or key cannot be used with its `alg`.
      if (error instanceof errors.JOSEError || error instanceof TypeError) return { refused: reasonOf(error) };
      throw error;
    }
  };
}

/** Algorithms that are accepted if the options name none. */
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'PS256'];

function keysFor(
  options: JwtOptions,
  { config, originOf }: Pick<ValidatorSettings, 'config' | 'originOf'>,
): JWTVerifyGetKey {
  const { publicKeyFile: file } = options;
  const named = file === undefined ? 'jwks_uri' : 'public_key_file';
  const missing = (['issuer', 'audience'] as const).filter((name) => options[name] === undefined);
  if (missing.length > 0) {
    // An issuer may sign for several APIs. Without a check of `iss` and `aud`, a token for another API would be accepted (RFC 8725 §3.8,
    // §3.9).
    throw new ConfigurationRefused('PORTICO_JWT_KEYS', {
      message: `tokens of another issuer need ${missing.join(' and ')} in [jwt]`,
      hint: 'If this API signs its tokens itself, use secret_file instead of public keys.',
      origin: originOf(named),
    });
  }
  if (file === undefined) return issuerKeys(options);
  try {
    const text = config.readFile(file).toString();
    if (/^\s*\{/.test(text)) return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
    const key = createPublicKey(text);
    return () => Promise.resolve(key);
  } catch (cause) {
    throw new ConfigurationRefused('PORTICO_JWT_KEYS', {
      message: `the keys for tokens cannot be read from ${resolve(file)}: ${(cause as Error).message}`,
      hint: 'Write a public key as PEM, or a JSON Web Key Set, into public_key_file.',
      origin: originOf(named),
      cause,
    });
  }
}

const MALFORMED = 'malformed: not a signed token';

const WRONG_CLAIMS: Readonly<Record<string, string>> = {
  aud: 'wrong audience (aud)',
  iss: 'wrong issuer (iss)',
  nbf: 'it is not valid yet (nbf)',
};

/** Returns the reason for the class of a jose error, because its messages can change and can contain parts of the token. */
function reasonOf(error: errors.JOSEError | TypeError): string {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === 'missing') return `it has no ${claim}`;
    return WRONG_CLAIMS[claim] ?? `wrong ${claim}`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown key: the issuer has no key for its kid and alg';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'wrong signature';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its alg is not among the algorithms accepted';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return MALFORMED;
  return 'its header requires an unsupported extension, or its key does not match its alg';
}

/** Maximum size of a document of the issuer, in bytes. */
const DOCUMENT_BYTES = 1024 * 1024;

/** Age of keys that are fetched again: `jose`'s default, which withdraws a key within that time. */
const MAX_AGE_MS = 600_000;
/** Time beyond it for which keys serve while their issuer is away. */
const STALE_MS = 3_600_000;
/** Time between two fetches because of an unknown key, or after one that failed. */
const COOLDOWN_MS = 30_000;

/**
 * Returns a function that looks up an issuer's keys, fetched over HTTP and cached. They are fetched on first use, after
 * ten minutes, and for an unknown key, but not within 30 s. Beyond `jose`, it discovers the address of the keys,
 * limits the size of the response, waits after a failed fetch, and uses the cached keys for an hour longer if they cannot be
 * fetched. Throws {@link ValidatorUnavailable} if there are no usable keys.
 */
export function issuerKeys(options: JwtOptions): JWTVerifyGetKey {
  const { jwksUri, issuer } = options;
  let known: JWTVerifyGetKey | undefined;
  let readAt = 0;
  let failed: { readonly error: unknown; readonly at: number } | undefined;

  const read = async (_url: string, { signal }: { readonly signal: AbortSignal }): Promise<Response> => {
    if (failed !== undefined && Date.now() < failed.at + COOLDOWN_MS) throw failed.error;
    try {
      const keys = (await documentAt(
        jwksUri ?? (await discovered(issuer!, signal)),
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
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
    timeoutDuration: 5000,
    [customFetch]: read,
  });

  return async (header, token) => {
    try {
      return await keyFor(header, token);
    } catch (error) {
      if (failed === undefined) throw error;
      if (known !== undefined && Date.now() < readAt + MAX_AGE_MS + STALE_MS) {
        try {
          return await known(header, token);
        } catch (unknown) {
          // It may be a new key of the issuer, which cannot be fetched at the moment.
          if (!(unknown instanceof errors.JWKSNoMatchingKey)) throw unknown;
        }
      }
      throw new ValidatorUnavailable(`keys: ${(failed.error as Error).message}`, failed.error);
    }
  };
}

/** Returns the address of the keys from the issuer's OpenID Connect Discovery 1.0 document. */
async function discovered(issuer: string, signal: AbortSignal): Promise<string> {
  const document = await documentAt(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
  if (document.issuer !== issuer) throw new Error(`the document of ${issuer} belongs to another issuer`);
  const { protocol } = URL.canParse(String(document.jwks_uri)) ? new URL(String(document.jwks_uri)) : {};
  // Keys are as trustworthy as their way here: not in the document itself (data:), and not by http from an issuer with https.
  const accepted = issuer.startsWith('http:') ? ['http:', 'https:'] : ['https:'];
  if (protocol === undefined || !accepted.includes(protocol)) {
    throw new Error(`the jwks_uri in the document of ${issuer} does not begin with ${accepted.join('// or ')}//`);
  }
  return String(document.jwks_uri);
}

async function documentAt(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(url, { redirect: 'error', signal }).catch((error: Error) => {
    const { message = error.message } = (error.cause ?? {}) as Partial<Error>;
    throw new Error(`${url}: ${message}`, { cause: error });
  });
  if (!response.ok) throw new Error(`${url} responds with ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > DOCUMENT_BYTES) throw new Error(`${url} responds with more than ${DOCUMENT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}
