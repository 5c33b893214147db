/** JSON Web Tokens signed with a shared secret (HS256, HS384, HS512; RFC 7518 §3.2), for an API that issues its own tokens. */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { isObject } from '../../errors/index.js';
import type { RefusedToken } from './token-validator.js';

/** The algorithms, with their hash functions and minimum key sizes. A key must be at least as long as the hash. */
export const HMAC_ALGORITHMS: Readonly<Record<string, { readonly hash: string; readonly bytes: number }>> = {
  HS256: { hash: 'sha256', bytes: 32 },
  HS384: { hash: 'sha384', bytes: 48 },
  HS512: { hash: 'sha512', bytes: 64 },
};

/** The claims of a token. */
export type Claims = Readonly<Record<string, unknown>>;

/** Returns the key for a secret, or undefined if the secret is too short for one of the algorithms. */
export function hmacKey(secret: string | Uint8Array, algorithms: readonly string[]): KeyObject | undefined {
  const bytes = Buffer.from(secret as string);
  return bytes.length < fewestBytes(algorithms) ? undefined : createSecretKey(bytes);
}

export function fewestBytes(algorithms: readonly string[]): number {
  return Math.max(...algorithms.map((algorithm) => HMAC_ALGORITHMS[algorithm]!.bytes));
}

/** Returns the encoded header of tokens with this algorithm and `typ`. */
export function tokenHeader(algorithm: string, typ = 'JWT'): string {
  return encoded({ alg: algorithm, typ });
}

/** Returns a signed token with these claims. {@link tokenHeader} makes the header for the algorithm. */
export function signedWith(key: KeyObject, algorithm: string, header: string, claims: Claims): string {
  const signed = `${header}.${encoded(claims)}`;
  return `${signed}.${macOf(signed, key, algorithm)}`;
}

/**
 * Returns the claims of a token that the key has signed with one of the algorithms, or a refusal. Does not check the claims, not even
 * `exp`.
 */
export function verifiedBy(
  key: KeyObject,
  token: string,
  { algorithms, typ }: { readonly algorithms: readonly string[]; readonly typ?: string | undefined },
): { readonly payload: Claims } | RefusedToken {
  const [header, payload, signature, ...others] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || others.length > 0) return MALFORMED;
  const said = decoded(header);
  if (said === undefined) return MALFORMED;
  // Only algorithms of the configuration are accepted, and they all use its key: a token cannot choose another.
  if (typeof said.alg !== 'string' || !algorithms.includes(said.alg)) {
    return { refused: 'its alg is not among the algorithms accepted' };
  }
  // RFC 7515 §4.1.11: a critical header that is not understood refuses the token. None is understood here.
  if (Object.hasOwn(said, 'crit')) return { refused: 'its header requires an unsupported extension (crit)' };
  if (typ !== undefined && mediaType(said.typ) !== mediaType(typ)) return { refused: 'wrong typ' };
  // Compares the encoded text, not the bytes: so only one spelling of a signature is accepted.
  const expected = Buffer.from(macOf(`${header}.${payload}`, key, said.alg));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return { refused: 'wrong signature' };
  const claims = decoded(payload);
  return claims === undefined ? MALFORMED : { payload: claims };
}

/**
 * Returns why claims are refused for their times, issuer or audience (RFC 7519 §4.1), or undefined if they are valid. `now` is in
 * seconds since 1970.
 */
export function refusedClaims(
  { exp, nbf, iss, aud }: Claims,
  wanted: { readonly issuer?: string | undefined; readonly audience?: string | undefined; readonly clockSkewS: number },
  now: number,
): string | undefined {
  const { issuer, audience, clockSkewS } = wanted;
  if (issuer !== undefined && iss !== issuer) return iss === undefined ? 'it has no iss' : 'wrong issuer (iss)';
  if (audience !== undefined && ![aud].flat().includes(audience)) {
    return aud === undefined ? 'it has no aud' : 'wrong audience (aud)';
  }
  if (nbf !== undefined && !isTime(nbf)) return 'wrong nbf';
  if (isTime(nbf) && nbf > now + clockSkewS) return 'it is not valid yet (nbf)';
  if (exp === undefined) return 'it has no exp';
  if (!isTime(exp)) return 'wrong exp';
  return exp <= now - clockSkewS ? 'expired' : undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

const MALFORMED: RefusedToken = Object.freeze({ refused: 'malformed: not a signed token' });

function macOf(text: string, key: KeyObject, algorithm: string): string {
  return createHmac(HMAC_ALGORITHMS[algorithm]!.hash, key).update(text).digest('base64url');
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Returns the JSON object in a part of a token, or undefined. Of repeated names the last value is used, as RFC 7519 §4 permits. */
function decoded(part: string): Record<string, unknown> | undefined {
  if (!/^[\w-]+$/.test(part)) return undefined;
  try {
    const value: unknown = JSON.parse(UTF8.decode(Buffer.from(part, 'base64url')));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** RFC 7515 §4.1.9: the prefix `application/` is optional, and case does not matter. */
function mediaType(typ: unknown): string | undefined {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined;
}
