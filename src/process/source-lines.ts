/**
 * Stack traces with the files and lines of Portico's sources. Node does this for a whole application with `--enable-source-maps`, at a cost to
 * each start; here a map is read when an error is shown that has passed through its file. It is searched and not kept: Node's `SourceMap`
 * takes twelve times as long for the first error, and 15 MB for those of one that has passed through eleven files.
 */
import { readFileSync } from 'node:fs';
import { ownFile } from './own-files.js';

const ROOT = ownFile('.').href;
const FRAME = new RegExp(`(${ROOT.replaceAll(/[^\w/]/g, '\\$&')}[\\w./-]+\\.m?js):(\\d+):(\\d+)`, 'g');
/** Frames of the errors that were shown last, with their locations. */
const known = new Map<string, string>();
/** More than an application has: those of all errors in it. */
const MOST_KNOWN = 1000;

/** Returns a stack in which frames of Portico's published files name the source: `…/portico/src/server/server.ts:12:5`. */
export function withSourceLines(stack: string): string {
  if (!stack.includes(ROOT)) return stack;
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replaceAll(FRAME, (frame: string, file: string, line: string, column: string) => {
    const shown = known.get(frame);
    if (shown !== undefined) return shown;
    if (!maps.has(file)) maps.set(file, readMap(file));
    const place = sourceOf(maps.get(file), file, Number(line) - 1, Number(column) - 1) ?? frame;
    if (known.size === MOST_KNOWN) known.clear();
    known.set(frame, place);
    return place;
  });
}

/** The members that are read: https://tc39.es/ecma426. */
interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

/** Returns the location in the source for one in a file, both counted from 0; undefined if there is none. */
function sourceOf(map: SourceMap | undefined, file: string, line: number, column: number): string | undefined {
  const found = map && placeIn(map.mappings, line, column);
  return found && `${new URL(map.sources[found.source]!, file).href}:${found.line + 1}:${found.column + 1}`;
}

/** Returns undefined if an installation has left the maps out. */
function readMap(file: string): SourceMap | undefined {
  try {
    return JSON.parse(readFileSync(new URL(`${file}.map`), 'utf8')) as SourceMap;
  } catch {
    return undefined;
  }
}

const DIGITS: ReadonlyMap<number, number> = new Map(
  Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (each, at) => [
    each.charCodeAt(0),
    at,
  ]),
);
const [COMMA, SEMICOLON] = [',', ';'].map((each) => each.charCodeAt(0));

/**
 * Returns the location in a source for one in the generated file; all counted from 0. Lines of the mappings end in `;`, segments in `,`. A segment
 * has its generated column and, with at least four fields, source, line and column, each as the difference to the one before. A digit has five
 * bits, and 32 if another follows; the lowest bit of a number is its sign.
 */
function placeIn(
  mappings: string,
  line: number,
  column: number,
): { readonly source: number; readonly line: number; readonly column: number } | undefined {
  const place = { source: 0, line: 0, column: 0 };
  const segment = [0, 0, 0, 0, 0];
  let [generatedLine, generatedColumn, fields] = [0, 0, 0];
  let found: typeof place | undefined;
  for (let at = 0; at <= mappings.length; ) {
    const character = at === mappings.length ? SEMICOLON : mappings.charCodeAt(at);
    if (character !== COMMA && character !== SEMICOLON) {
      let [value, shift, digit] = [0, 0, 0];
      do {
        digit = DIGITS.get(mappings.charCodeAt(at++)) ?? 0;
        value |= (digit & 31) << shift;
        shift += 5;
      } while (digit >= 32);
      segment[fields++] = (value & 1) === 1 ? -(value >>> 1) : value >>> 1;
      continue;
    }
    if (fields > 0) {
      generatedColumn += segment[0]!;
      if (fields >= 4) {
        place.source += segment[1]!;
        place.line += segment[2]!;
        place.column += segment[3]!;
      }
      if (generatedLine === line && generatedColumn <= column) found = fields >= 4 ? { ...place } : undefined;
      fields = 0;
    }
    at++;
    if (character === COMMA) continue;
    if (generatedLine === line) return found;
    generatedLine++;
    generatedColumn = 0;
  }
  return undefined;
}
