/**
 * Percent-decoding of request paths: once, before matching, and never failing.
 */

/**
 * The path as text: `%2F` becomes a slash like any other, `+` stays, a malformed escape is kept, bytes that are not
 * UTF-8 become U+FFFD. Characters above ASCII are taken as bytes, which is how Node hands over what a client sent raw.
 */
export function decodePath(raw: string): string {
  if (!NEEDS_DECODING.test(raw)) return raw;
  if (!ABOVE_ASCII.test(raw)) {
    try {
      return decodeURIComponent(raw);
    } catch {
      // Malformed, or not UTF-8: byte by byte below.
    }
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOf(raw));
}

const NEEDS_DECODING = /[%\u0080-\uffff]/;
const ABOVE_ASCII = /[\u0080-\uffff]/;

function bytesOf(raw: string): Uint8Array {
  const text = Buffer.from(raw, ABOVE_LATIN1.test(raw) ? 'utf8' : 'latin1');
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let index = 0; index < text.length; index++, length++) {
    const byte = text[index] === PERCENT ? hexByte(text, index + 1) : -1;
    bytes[length] = byte < 0 ? text[index]! : byte;
    if (byte >= 0) index += 2;
  }
  return bytes.subarray(0, length);
}

const ABOVE_LATIN1 = /[\u0100-\uffff]/;
const PERCENT = 37;

/** The byte that two hex digits name; -1 when they are none. */
function hexByte(text: Buffer, at: number): number {
  const digits = text.toString('latin1', at, at + 2);
  return /^[0-9a-fA-F]{2}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}
