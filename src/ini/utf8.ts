/**
 * UTF-8, strictly, with the place of the first byte that is wrong.
 */

/** Where decoding failed: line and column counted from 1, column in UTF-16 units. */
export interface BadByte {
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

/** The text of `bytes`; with `bad`, the text before that byte. A byte order mark is kept: it is a character. */
export function decodeUtf8(bytes: Uint8Array): { readonly text: string; readonly bad?: BadByte } {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return { text: decoder.decode(bytes) };
  } catch {
    const good = goodLength(bytes);
    const text = decoder.decode(bytes.subarray(0, good));
    const lines = text.split(/\r\n|\n|\r/);
    return { text, bad: { line: lines.length, column: lines.at(-1)!.length + 1, byte: bytes[good]! } };
  }
}

/** How many bytes from the start are well-formed sequences (Unicode, table 3-7). */
function goodLength(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return at;
}

/** The length of the sequence at `at`, or 0 when it is not well formed. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const second = bytes[at + 1] ?? 0;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (let next = at + 2; next < at + length; next++) {
    const byte = bytes[next] ?? 0;
    if (byte < 0x80 || byte > 0xbf) return 0;
  }
  return length;
}
