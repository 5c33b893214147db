/** Paths of requests as text: percent-decoded, and in canonical spelling. */

/** Returns a decoded path in canonical spelling: everything except pchar and slashes is escaped (RFC 3986 §3.3, §6.2.2). */
export function encodedPath(path: string): string {
  return path.split('/').map(encodedSegment).join('/');
}

function encodedSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent);
}

/** Collapses each run of `/` into one. */
export function collapsed(path: string): string {
  return path.replace(/\/\/+/g, '/');
}

/**
 * Decodes a path: `%2F` becomes a slash like any other, `+` stays, a malformed escape is kept, bytes that are not UTF-8 become U+FFFD.
 * Characters above ASCII are read as bytes, because Node passes raw bytes of a client that way.
 */
export function decodePath(raw: string): string {
  if (!NEEDS_DECODING.test(raw)) return raw;
  if (!ABOVE_ASCII.test(raw)) {
    try {
      return decodeURIComponent(raw);
    } catch {
      // Malformed, or not UTF-8: decoded byte by byte below.
    }
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOf(raw));
}

const NEEDS_DECODING = /[%\u0080-\uffff]/;
const ABOVE_ASCII = /[\u0080-\uffff]/;

function bytesOf(raw: string): Uint8Array {
  const text = ABOVE_LATIN1.test(raw) ? Buffer.from(raw).toString('latin1') : raw;
  const characterOf = (_: string, digits: string): string => String.fromCharCode(Number.parseInt(digits, 16));
  return Buffer.from(text.replace(/%([0-9a-f]{2})/gi, characterOf), 'latin1');
}

const ABOVE_LATIN1 = /[\u0100-\uffff]/;
