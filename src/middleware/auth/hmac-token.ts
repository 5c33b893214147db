/** Signs JSON Web Tokens with a shared secret (HS256, HS384, HS512; RFC 7518 §3.2), for an API that issues its own tokens. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

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

function macOf(text: string, key: KeyObject, algorithm: string): string {
  return createHmac(HMAC_ALGORITHMS[algorithm]!.hash, key).update(text).digest('base64url');
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
