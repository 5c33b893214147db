/**
 * Stack traces with the files and lines of Portico's sources. Node does this for a whole program with `--enable-source-maps`, at a cost to
 * each start; here a map is read when an error is shown that has passed through its file.
 */
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { ownFile } from './own-files.js';

const ROOT = ownFile('.').href;
const FRAME = new RegExp(`(${ROOT.replaceAll(/[^\w/]/g, '\\$&')}[\\w./-]+\\.js):(\\d+):(\\d+)`, 'g');
const maps = new Map<string, SourceMap | undefined>();

/** Returns a stack in which frames of Portico's published files name the source: `…/portico/src/server/server.ts:12:5`. */
export function withSourceLines(stack: string): string {
  if (!stack.includes(ROOT)) return stack;
  return stack.replaceAll(
    FRAME,
    (frame, file: string, line: string, column: string) => sourceOf(file, Number(line), Number(column)) ?? frame,
  );
}

function sourceOf(file: string, line: number, column: number): string | undefined {
  if (!maps.has(file)) maps.set(file, readMap(file));
  const found = maps.get(file)?.findEntry(line - 1, column - 1);
  if (found === undefined || !('originalSource' in found)) return undefined;
  const { originalSource, originalLine, originalColumn } = found;
  return `${new URL(originalSource, file).href}:${originalLine + 1}:${originalColumn + 1}`;
}

/** Returns undefined if an installation has left the maps out. */
function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(new URL(`${file}.map`), 'utf8')) as SourceMapPayload);
  } catch {
    return undefined;
  }
}
