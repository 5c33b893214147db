/** Signs tokens of the API for the filter jwt. */
import type { KeyObject } from 'node:crypto';
import type { Config } from '../config/index.js';
import { PorticoError, whatItIs } from '../errors/index.js';
import { type JwtOptions, jwtOptions } from './auth/auth-token-options.js';
import { fewestBytes, HMAC_ALGORITHMS, hmacKey, signedWith, tokenHeader } from './auth/hmac-token.js';
import { secretOf } from './auth/jwt-secret.js';
import { LONGEST_TOKEN } from './auth/presented-token.js';

/** The signer and the lifetime of a token. */
export type SignTokenOptions = {
  /** The lifetime, in seconds from now. */
  readonly expiresIn: number;
} & (
  | {
      /** The configuration. Its section `[jwt]` has the secret, issuer, audience, algorithms and typ. */
      readonly config: Config;
    }
  | {
      /** At least 32 bytes for HS256, 48 for HS384, 64 for HS512 (RFC 7518 §3.2). */
      readonly secret: string | Uint8Array;
      readonly issuer?: string | undefined;
      readonly audience?: string | undefined;
      /** `HS256` (default), `HS384` or `HS512`. */
      readonly algorithm?: string | undefined;
      readonly typ?: string | undefined;
    }
);

/** The claims of a token; `sub` is its subject. `iss` and `aud` from the options, and `iat` and `exp`, replace claims with these names. */
export interface TokenClaims {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

/**
 * Signs a token that the filter `jwt` accepts with the same options: `signToken({ sub: user.id }, { config, expiresIn: 3600 })`.
 * Throws `PORTICO_JWT_SECRET` if the secret is missing or too short, and `PORTICO_JWT_CLAIMS` if the subject is not a
 * string, the lifetime is not a number, or the token is longer than the filter accepts.
 */
export function signToken(claims: TokenClaims, options: SignTokenOptions): string {
  const { expiresIn } = options;
  if (typeof claims?.sub !== 'string' || claims.sub === '') {
    throw new PorticoError('PORTICO_JWT_CLAIMS', {
      message: `the sub of a token must be a non-empty string, not ${whatItIs(claims?.sub)}`,
      hint: 'Write String(user.id).',
    });
  }
  if (!Number.isFinite(expiresIn) || expiresIn <= 0) {
    throw new PorticoError('PORTICO_JWT_CLAIMS', {
      message: `expiresIn must be a number of seconds above 0, not ${whatItIs(expiresIn)}`,
    });
  }
  const { key, algorithm, header, own } = 'config' in options ? configured(options.config) : given(options);
  const iat = Math.floor(Date.now() / 1000);
  // Object spread takes as long as the signature in V8 of Node 20.
  const all = Object.assign({}, claims, own, { iat, exp: iat + Math.ceil(expiresIn) });
  const token = signedWith(key, algorithm, header, all);
  if (token.length > LONGEST_TOKEN) {
    throw new PorticoError('PORTICO_JWT_CLAIMS', {
      message: `the token has ${token.length} characters; the filter jwt accepts at most ${LONGEST_TOKEN}`,
      hint: 'Store further data in the database, under its sub.',
    });
  }
  return token;
}

type Signer = ReturnType<typeof signerOf>;

/** Signers by the options of `[jwt]`. A reload creates new options. */
const signers = new WeakMap<JwtOptions, Signer>();

function configured(config: Config): Signer {
  const options = config.group('jwt', jwtOptions);
  const known = signers.get(options);
  if (known !== undefined) return known;
  const secret = secretOf(options, config);
  if (secret === undefined) {
    throw new PorticoError('PORTICO_JWT_SECRET', {
      message: 'tokens are signed with the secret in [jwt], which is not set',
      hint: 'Set secret_file or secret in [jwt]; generate one with openssl rand -base64 48.',
    });
  }
  const [algorithm = 'HS256'] = secret.algorithms;
  const signer = signerOf(secret.key, algorithm, options);
  signers.set(options, signer);
  return signer;
}

/** Returns a key with the encoded header and the claims of all its tokens. */
function signerOf(
  key: KeyObject,
  algorithm: string,
  { issuer, audience, typ }: Partial<Pick<JwtOptions, 'issuer' | 'audience' | 'typ'>>,
) {
  const own = {
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience }),
  };
  return { key, algorithm, header: tokenHeader(algorithm, typ), own };
}

function given(options: Exclude<SignTokenOptions, { readonly config: Config }>): Signer {
  const { secret, algorithm = 'HS256' } = options;
  if (!Object.hasOwn(HMAC_ALGORITHMS, algorithm)) {
    throw new PorticoError('PORTICO_JWT_SECRET', {
      message: `a secret can sign with ${Object.keys(HMAC_ALGORITHMS).join(', ')}, not with ${whatItIs(algorithm)}`,
    });
  }
  const key = typeof secret === 'string' || secret instanceof Uint8Array ? hmacKey(secret, [algorithm]) : undefined;
  if (key !== undefined) return signerOf(key, algorithm, options);
  throw new PorticoError('PORTICO_JWT_SECRET', {
    message: `the secret of ${algorithm} needs ${fewestBytes([algorithm])} bytes or more`,
    hint: 'Generate one with openssl rand -base64 48.',
  });
}
