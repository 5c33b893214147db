/**
 * Character classes of Python's regular expressions, for JavaScript's `v` flag.
 */
import type { ClassSource, PatternReader } from './pattern-reader.js';

/** Reads a class from its `[` to its `]`. A `]` right after the opening is an ordinary character in Python. */
export function readClass(reader: PatternReader): ClassSource {
  const start = reader.offset;
  reader.take('[');
  const negated = reader.take('^');
  let items = '';
  for (let first = true; first || !reader.looksAt(']'); first = false) {
    if (reader.done) throw reader.problem('unterminated character set', start);
    items += readItem(reader, start);
  }
  reader.take(']');
  const source = `[${negated ? '^' : ''}${items}]`;
  return { source, matchesSlash: new RegExp(`^${source}$`, 'v').test('/') };
}

function readItem(reader: PatternReader, start: number): string {
  const itemStart = reader.offset;
  const low = readMember(reader);
  const dash = reader.match(/-(?!\])/y);
  if (dash === null) return low.source;
  reader.skip(1);
  if (reader.done) throw reader.problem('unterminated character set', start);
  const high = readMember(reader);
  if (low.code === undefined || high.code === undefined || high.code < low.code) {
    throw reader.problem('bad character range', itemStart);
  }
  return `${low.source}-${high.source}`;
}

/** One end of a range, or a set such as `\d`, which has no code. */
function readMember(reader: PatternReader): { source: string; code?: number } {
  if (!reader.looksAt('\\')) return coded(reader.next());
  const set = reader.takeSet();
  if (set !== null) return { source: set.source };
  if (reader.take('\\b')) return coded('\b');
  return coded(reader.takeEscapedCharacter());
}

/** As a number: no character has a meaning of its own then, now or in a later version of the language. */
function coded(character: string): { source: string; code: number } {
  const code = character.codePointAt(0)!;
  return { source: `\\u{${code.toString(16)}}`, code };
}
