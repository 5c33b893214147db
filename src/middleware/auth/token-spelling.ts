/**
 * The one spelling of a token. Decoders of base64 ignore padding, unused bits and other characters, so a client could write one token in many
 * ways, each with another entry in caches.
 */

/** Reports whether a text is base64url as an encoder writes it (RFC 4648 §3.5, §5): no padding, no other characters, unused bits zero. */
export function isBase64url(text: string): boolean {
  return BASE64URL.test(text);
}

const BASE64URL = /^(?:[\w-]{4})*(?:[\w-]{2}[AEIMQUYcgkosw048]|[\w-][AQgw])?$/;

/** Reports whether a text is a compact JWS (RFC 7515 §7.1) as its issuer writes it. */
export function isCompactJws(token: string): boolean {
  const parts = token.split('.');
  return parts.length === 3 && parts.every(isBase64url);
}

/**
 * Reports whether a token of Keystone is spelled as Keystone writes it. Keystone accepts more: its Python skips characters that base64 does not
 * have, and its database may compare the digits of a UUID without case.
 */
export function isKeystoneToken(token: string): boolean {
  if (token.includes('.')) return isCompactJws(token);
  if (token.startsWith('gAAAA')) return isBase64url(token);
  return /^[\w-]+$/.test(token) && !(/^[\da-f]{32}$/i.test(token) && /[A-F]/.test(token));
}

/**
 * Returns what stays the same in every valid spelling of a token: of a JWS the signed part, because an ECDSA signature `(r, s)` has the twin
 * `(r, n - s)`, which everybody can compute.
 */
export function withoutSignature(token: string): string {
  return IS_JWS.test(token) ? token.slice(0, token.lastIndexOf('.')) : token;
}

/** A header that is a JSON object, so not that of a PASETO. */
const IS_JWS = /^ey[\w-]*\.[\w-]+\.[\w-]+$/;

/** Orders of the curves of ECDSA (FIPS 186-4 §D.1.2), by the length of a signature in bytes. */
const ORDERS: ReadonlyMap<number, bigint> = new Map([
  [64, 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  [96, 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n],
  [
    132,
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  ],
]);

/** Returns the token, and its twin if its signature may be one of ECDSA. */
export function spellingsOf(token: string): readonly string[] {
  if (!IS_JWS.test(token)) return [token];
  const signed = withoutSignature(token);
  const signature = Buffer.from(token.slice(signed.length + 1), 'base64url');
  const half = signature.length / 2;
  const order = ORDERS.get(signature.length);
  const s = order === undefined ? 0n : BigInt(`0x${signature.toString('hex', half)}`);
  if (order === undefined || s === 0n || s >= order) return [token];
  const twin = Buffer.from((order - s).toString(16).padStart(half * 2, '0'), 'hex');
  return [token, `${signed}.${Buffer.concat([signature.subarray(0, half), twin]).toString('base64url')}`];
}
