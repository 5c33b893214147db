/**
 * Describes why a module of the application cannot be imported, with the place in that module, because the error is there and not in
 * the paste file or option that names it.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorText, ignoreErrors } from '../errors/index.js';
import { isOwnFile } from '../process/index.js';

/** Time in ms for another process to find the place of an error. */
const SEARCH_MS = 5000;

/** Returns one line: the error of `import(url)`, and `file:line:column` in the application's modules if known. */
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

/** Returns the place that Node puts before some stacks: `file:line`, the line, and carets under the error. */
function markedPlace(stack: string): string | undefined {
  const [head, file, line] = /^(file:\S+|\/.+|[A-Za-z]:\\.+):(\d+)\r?\n/.exec(stack) ?? [];
  if (head === undefined || file === undefined) return undefined;
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  const shown = stack.slice(head.length);
  if (!/^SyntaxError \[ERR_\w+_TYPESCRIPT_SYNTAX\]/m.test(shown)) {
    const blanks = /^.*\r?\n(\s*)\^/.exec(shown)?.[1];
    // It has no carets at the end of a file.
    return blanks === undefined ? `${path}:${line}` : `${path}:${line}:${blanks.length + 1}`;
  }
  // For TypeScript it shows the previous line as well, and no carets if the error is longer than a line.
  const blanks = /^.*\r?\n(?:.*\r?\n)?( *)\^/.exec(shown)?.[1];
  if (blanks === undefined) return `${path}:${line}`;
  return `${path}:${line}:${columnBehind(blanks.length, linesOf(path)[Number(line) - 1] ?? '')}`;
}

/** Returns the column in a line that is shown with tabs expanded to multiples of four columns. */
function columnBehind(blanks: number, text: string): number {
  let column = 1;
  for (let width = 0; width < blanks; column++) width += text[column - 1] === '\t' ? 4 - (width % 4) : 1;
  return column;
}

function linesOf(file: string): string[] {
  // The text only helps to find the place; the file is already known.
  return ignoreErrors(() => readFileSync(file, 'utf8').split('\n')) ?? [];
}

/**
 * Finds the place of a syntax error in a separate process. V8 knows where an ES module does not parse, but `import()` loses the place;
 * only Node's output for an uncaught error has it. The process imports the module beside a missing export, so it reads all modules and
 * runs none.
 */
async function placeFromOutside(error: SyntaxError, url: string): Promise<string | undefined> {
  const code = `import ${JSON.stringify(url)}; import { none } from 'data:text/javascript,';`;
  // Imported on demand: a program without errors does not need it.
  const { execFile } = await import('node:child_process');
  const said = await new Promise<string>((settle) => {
    const args = ['--input-type=module', '--eval', code];
    try {
      execFile(process.execPath, args, { timeout: SEARCH_MS, env: {} }, (_, _out, text) => settle(text));
    } catch {
      // Child processes may be forbidden, as by Node's permission model: the error is reported without its place.
      settle('');
    }
  });
  return said.includes(`SyntaxError: ${error.message}`) ? markedPlace(said) : undefined;
}

/** Returns `:line:column` of the failed import in the file that contains it; empty if it is not a literal there. */
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

/** Returns `file:line:column` of the innermost frame outside Node, dependencies and Portico; undefined without one. */
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
