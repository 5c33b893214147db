/**
 * Places in a file: origins of values and of parts of values, and the first byte that is no text.
 */
import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import type { Origin } from '../errors/index.js';

/** The share one line has in a value of several lines: from `start` in the joined value on, it is at `origin`. */
export interface ValuePiece {
  /** Offset in the joined value, counted from 0. */
  readonly start: number;
  readonly origin: Origin;
}

/** The section and option an origin belongs to; they appear in messages as `[section] option:`. */
export interface OriginOwner {
  readonly section?: string | undefined;
  readonly option?: string | undefined;
}

/**
 * The origin of `column` (counted from 1, in UTF-16 units) in line `line`, whose text is `text`.
 * Section and option are left out of the result where they are not known.
 */
export function originAt(file: string, line: number, column: number, text: string, owner: OriginOwner = {}): Origin {
  return {
    file,
    line,
    column,
    ...(owner.section === undefined ? {} : { section: owner.section }),
    ...(owner.option === undefined ? {} : { option: owner.option }),
    text,
  };
}

/**
 * The origin of one character of a value: `offset` counts from 0 in the joined value, `pieces` says which line each
 * part came from, in order. An offset behind the end points behind the last character.
 */
export function originWithin(pieces: readonly ValuePiece[], offset: number): Origin {
  const piece = pieces.findLast(({ start }) => start <= offset) ?? pieces[0];
  if (piece === undefined) throw new RangeError('a value has at least one piece');
  return { ...piece.origin, column: piece.origin.column + Math.max(0, offset - piece.start) };
}

/** Place where decoding failed: line and column counted from 1, column in UTF-16 units. */
export interface BadByte {
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

/** The text of `bytes`; with `bad`, the text before that byte. A byte order mark is kept: it is a character. */
export function decodeUtf8(bytes: Uint8Array): { readonly text: string; readonly bad?: BadByte } {
  const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  if (isUtf8(bytes)) return { text: decoded };
  // Each wrong sequence is decoded to U+FFFD: before the first one the bytes are the same, but for a part of that character.
  const back = Buffer.from(decoded);
  const same = bytes.findIndex((byte, at) => byte !== back[at]);
  const text = new StringDecoder('utf8').write(Buffer.from(bytes.subarray(0, same < 0 ? bytes.length : same)));
  const lines = text.split(/\r\n|\n|\r/);
  const byte = bytes[Buffer.byteLength(text)]!;
  return { text, bad: { line: lines.length, column: lines.at(-1)!.length + 1, byte } };
}
