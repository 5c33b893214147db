/**
 * JSON Web Tokens that a shared secret signs: HS256, HS384 and HS512 (RFC 7518 §3.2), for an API that issues its own.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { isObject } from '../../errors/index.js';
import type { RefusedToken } from './token-validator.js';

/** The algorithms, with the hash of each and the fewest bytes that its key has: as many as the hash. */
export const HMAC_ALGORITHMS: Readonly<Record<string, { readonly hash: string; readonly bytes: number }>> = {
  HS256: { hash: 'sha256', bytes: 32 },
  HS384: { hash: 'sha384', bytes: 48 },
  HS512: { hash: 'sha512', bytes: 64 },
};

/** The claims of a token. */
export type Claims = Readonly<Record<string, unknown>>;

/** The key of a secret. Undefined where that is too short for the algorithms. */
export function hmacKey(secret: string | Uint8Array, algorithms: readonly string[]): KeyObject | undefined {
  const bytes = Buffer.from(secret as string);
  return bytes.length < fewestBytes(algorithms) ? undefined : createSecretKey(bytes);
}

export function fewestBytes(algorithms: readonly string[]): number {
  return Math.max(...algorithms.map((algorithm) => HMAC_ALGORITHMS[algorithm]!.bytes));
}

/** The header of the tokens of one signer, as text. */
export function tokenHeader(algorithm: string, typ = 'JWT'): string {
  return encoded({ alg: algorithm, typ });
}

/** A signed token with these claims, and a header made by {@link tokenHeader} for the algorithm. */
export function signedWith(key: KeyObject, algorithm: string, header: string, claims: Claims): string {
  const signed = `${header}.${encoded(claims)}`;
  return `${signed}.${macOf(signed, key, algorithm)}`;
}

/**
 * The claims of a token that the key has signed with one of the algorithms; a refusal for any other. Their content, times
 * among it, is not judged.
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
  // The configuration says which algorithm counts, and which key; the token chooses among them.
  if (typeof said.alg !== 'string' || !algorithms.includes(said.alg)) {
    return { refused: 'its alg is not among the algorithms accepted' };
  }
  // RFC 7515 §4.1.11: a header that is critical and not understood refuses the token, and here none is understood.
  if (Object.hasOwn(said, 'crit')) return { refused: 'its header requires an unsupported extension (crit)' };
  if (typ !== undefined && mediaType(said.typ) !== mediaType(typ)) return { refused: 'wrong typ' };
  // Texts are compared, not the bytes that they stand for: a signature has one spelling.
  const expected = Buffer.from(macOf(`${header}.${payload}`, key, said.alg));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return { refused: 'wrong signature' };
  const claims = decoded(payload);
  return claims === undefined ? MALFORMED : { payload: claims };
}

/** Why claims are refused for their times, issuer or audience (RFC 7519 §4.1), by a clock in seconds; undefined: they are not. */
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

/** The object that a part of a token has as JSON; of a name that comes twice the last value, as RFC 7519 §4 lets it be. */
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

/** RFC 7515 §4.1.9: `application/` may be left out, and case does not count. */
function mediaType(typ: unknown): string | undefined {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined;
}
