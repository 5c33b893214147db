/**
 * Why a module of the application cannot be imported, with the place in that module: what a paste file or an option names
 * is right there, and what has to be mended is not in it.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorText, ignoreErrors } from '../errors/index.js';
import { isOwnFile } from '../process/index.js';

/** How long another process may take to find the place of a mistake. */
const SEARCH_MS = 5000;

/**
 * One line: what `import(url)` was rejected with, and `file:line:column` in the application's modules where it can be known.
 */
export async function importFailure(error: unknown, url: string): Promise<string> {
  const reason = errorText(error).replaceAll(/\s*\n\s*/g, ' ');
  if (/^Unknown file extension "\.[mc]?ts"/.test(reason)) {
    return `${reason}: Node ${process.versions.node} cannot run TypeScript; compile it, or use Node 22.18 or newer`;
  }
  const imported = / imported from (\/.+|[A-Za-z]:\\.+)$/.exec(reason)?.[1];
  if (imported !== undefined) return `${reason}${lineOfImport(reason, imported)}`;
  const place = await placeOf(error, url);
  return place === undefined || reason.includes(place) ? reason : `${reason.replace(/\.$/, '')}, at ${place}`;
}

async function placeOf(error: unknown, url: string): Promise<string | undefined> {
  if (!(error instanceof SyntaxError)) return thrownAt(error);
  return markedPlace(error.stack ?? '') ?? (await placeFromOutside(error, url)) ?? thrownAt(error);
}

/** Node puts the place in front of some stacks: `file:line`, the line itself, and carets under the mistake. */
function markedPlace(stack: string): string | undefined {
  const [head, file, line] = /^(file:\S+|\/.+|[A-Za-z]:\\.+):(\d+)\r?\n/.exec(stack) ?? [];
  if (head === undefined || file === undefined) return undefined;
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  const shown = stack.slice(head.length);
  if (!/^SyntaxError \[ERR_\w+_TYPESCRIPT_SYNTAX\]/m.test(shown)) {
    const blanks = /^.*\r?\n(\s*)\^/.exec(shown)?.[1];
    return blanks === undefined ? undefined : `${path}:${line}:${blanks.length + 1}`;
  }
  // Of TypeScript it shows the line before as well, and no carets where the mistake is longer than a line.
  const blanks = /^.*\r?\n(?:.*\r?\n)?( *)\^/.exec(shown)?.[1];
  if (blanks === undefined) return `${path}:${line}`;
  return `${path}:${line}:${columnBehind(blanks.length, linesOf(path)[Number(line) - 1] ?? '')}`;
}

/** The column in a line that is shown with blanks up to the next fourth column for each of its tabs. */
function columnBehind(blanks: number, text: string): number {
  let column = 1;
  for (let width = 0; width < blanks; column++) width += text[column - 1] === '\t' ? 4 - (width % 4) : 1;
  return column;
}

function linesOf(file: string): string[] {
  // The file is named; its text only helps.
  return ignoreErrors(() => readFileSync(file, 'utf8').split('\n')) ?? [];
}

/**
 * V8 says where an ES module does not parse, and `import()` loses it: only what Node prints of an uncaught error
 * has the place. So a separate process imports the module, beside an export that does not exist: it reads all
 * modules and runs none of them.
 */
async function placeFromOutside(error: SyntaxError, url: string): Promise<string | undefined> {
  const code = `import ${JSON.stringify(url)}; import { none } from 'data:text/javascript,';`;
  // Loaded here: a program whose modules are sound has no use for it.
  const { execFile } = await import('node:child_process');
  const said = await new Promise<string>((settle) => {
    const args = ['--input-type=module', '--eval', code];
    try {
      execFile(process.execPath, args, { timeout: SEARCH_MS, env: {} }, (_, _out, text) => settle(text));
    } catch {
      // A process that may have no children, as under Node's permission model: the mistake is told without its place.
      settle('');
    }
  });
  return said.includes(`SyntaxError: ${error.message}`) ? markedPlace(said) : undefined;
}

/** `:line:column` of the import that found nothing, in the file that has it; empty where it is not written out. */
function lineOfImport(reason: string, file: string): string {
  const wanted = /^Cannot find (?:package|module) '(.+?)'/.exec(reason)?.[1];
  if (wanted === undefined) return '';
  for (const [index, line] of linesOf(file).entries()) {
    for (const { 1: name, index: column } of line.matchAll(/['"]([^'"]+)['"]/g)) {
      const isIt = name === wanted || name!.startsWith(`${wanted}/`) || resolve(dirname(file), name!) === wanted;
      if (isIt) return `:${index + 1}:${column + 1}`;
    }
  }
  return '';
}

/** `file:line:column` of the innermost frame that is not Node's, a dependency's or Portico's; undefined without one. */
export function thrownAt(error: unknown): string | undefined {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return undefined;
  for (const line of error.stack.split('\n')) {
    const [, file, position] = /^\s+at (?:.*\()?(.+?):(\d+:\d+)\)?$/.exec(line) ?? [];
    if (file === undefined || !/^(?:file:|\/|[A-Za-z]:[\\/])/.test(file)) continue;
    const path = file.startsWith('file:') ? fileURLToPath(file.replace(/[?#].*$/s, '')) : file;
    if (isOwnFile(path) || /[\\/]node_modules[\\/]/.test(path)) continue;
    return `${path}:${position}`;
  }
  return undefined;
}
