/** Reads configuration files. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Diagnostic, ignoreErrors, locationInFile } from '../../errors/index.js';
import { readConf } from '../../ini/index.js';
import { closedFolder } from '../../process/index.js';
import { isFifo } from '../read-unless-fifo.js';
import type { NamedPath, SourceFile, SourcePaths } from '../state.js';

/**
 * Reads all files, those of directories after the named ones; lowest precedence first. Never throws. `again`: true except at a start; a
 * FIFO is an issue then, because it has its content only once, and a process that opens it waits for its writer.
 */
export function readFiles({ files, dirs }: SourcePaths, { again }: { readonly again: boolean }) {
  const issues: Diagnostic[] = [];
  const read = (file: NamedPath): SourceFile[] => readOne(file, issues, again);
  const named = files.flatMap(read);
  return { files: [...named, ...dirs.flatMap((dir) => confFiles(dir, issues)).flatMap(read)], issues };
}

/** Parses a file's content into a source, and issues of its bad lines. */
export function parseSource(
  { name, path, exposed = false }: NamedPath & { readonly exposed?: boolean },
  content: Uint8Array | string,
  issues: Diagnostic[],
): SourceFile {
  const { sections, entries, problems } = readConf(name, content);
  issues.push(...problems);
  return { name, path, sections, entries, exposed };
}

/** Reports whether a name ends in `.conf` and is not hidden. */
export const isConf = (name: string): boolean => name.endsWith('.conf') && !name.startsWith('.');

/** Returns such names in a directory, in byte order. */
export const confNames = (dir: string): string[] =>
  readdirSync(dir)
    .filter(isConf)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** Returns the files among them, without those of subdirectories. */
function confFiles(dir: NamedPath, issues: Diagnostic[]): NamedPath[] {
  try {
    return confNames(dir.path)
      .map((name) => ({ name: join(dir.name, name), path: join(dir.path, name) }))
      .filter(({ path }) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true);
  } catch (error) {
    issues.push(unreadable('dir', dir, error));
    return [];
  }
}

function readOne(file: NamedPath, issues: Diagnostic[], again: boolean): SourceFile[] {
  if (/\.(?:json|toml|ya?ml)$/i.test(file.name)) {
    const message = `cannot read config file ${file.name}: only the INI format is read`;
    const hint = '`api-cli config generate` prints a file in that format';
    issues.push({ severity: 'error', code: 'PORTICO_CONFIG_FILE', message, hint });
    return [];
  }
  if (again && isFifo(file.path)) {
    const message = `cannot read config file ${file.name} again: it is a FIFO, which gives its content once`;
    const hint = 'Write the configuration to a file, or restart the service instead of reloading it.';
    issues.push({ severity: 'error', code: 'PORTICO_CONFIG_FILE', message, hint });
    return [];
  }
  try {
    const { mode, size } = statSync(file.path);
    if (size > LARGEST) throw new Error('it is larger than 16 MiB');
    const content = readFileSync(file.path);
    const nul = content.indexOf(0);
    if (nul !== -1) {
      const hint = 'If it is UTF-16, save it as UTF-8. A file that a crash has damaged has to be restored.';
      const lines = content.toString('latin1', 0, nul).split('\n');
      const location = locationInFile({ file: file.name, line: lines.length, column: lines.at(-1)!.length + 1 });
      issues.push({ ...unreadable('file', file, new Error('it contains NUL bytes')), location, hint });
      return [];
    }
    return [parseSource({ ...file, exposed: (mode & 0o044) !== 0 }, content, issues)];
  } catch (error) {
    issues.push(unreadable('file', file, error));
    return [];
  }
}

/** Largest configuration file in bytes. Node ends a process, and so a reload would end the parent, at texts of some hundred MiB. */
const LARGEST = 16 * 1024 * 1024;

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'a part of its path is not a directory'],
  ['EISDIR', 'it is a directory'],
  ['EACCES', 'permission denied'],
]);

function unreadable(what: string, { name, path }: NamedPath, error: unknown): Diagnostic {
  const { code = '', message: failure } = error as NodeJS.ErrnoException;
  const link = code === 'ENOENT' || code === 'ELOOP' ? ignoreErrors(() => readlinkSync(path)) : undefined;
  const words = link === undefined ? REASONS.get(code) : `it is a link to ${link}, where no file is`;
  const reason = words === undefined ? code || failure : `${words} (${code})`;
  const where = name === path ? name : `${name} (${path})`;
  const message = `cannot read config ${what} ${where}: ${reason}`;
  const closed = code === 'EACCES' ? closedFolder(path) : undefined;
  const hint =
    closed && `This user may not enter ${closed}: use the account of the service, or let it enter (chmod o+x).`;
  return { severity: 'error', code: 'PORTICO_CONFIG_FILE', message, hint };
}
