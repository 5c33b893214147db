/** Test fixtures: temporary configuration files, and a log that a test can read. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { PorticoError } from '../errors/index.js';
import { createLogger, type Logger, type LogLevel } from '../log/index.js';

/** A temporary folder with files. */
export interface TempConfig extends AsyncDisposable {
  readonly folder: string;
  /** Returns the absolute path of a file in the folder. */
  path(name: string): string;
  /** Writes or replaces a file, for example before a reload. */
  write(name: string, text: string): Promise<void>;
  /** Removes the folder and its contents. Safe to call twice. */
  remove(): Promise<void>;
}

/**
 * Writes files, by relative name, into a new folder below the system's temporary one. Remove it at the end of the test: `t.after(() =>
 * files.remove())`. A name that leads out of the folder is an error, `PORTICO_FILE_OUTSIDE`.
 */
export async function tempConfig(files: Readonly<Record<string, string>> = {}): Promise<TempConfig> {
  const folder = await mkdtemp(join(tmpdir(), 'portico-'));
  const write = async (name: string, text: string): Promise<void> => {
    const path = within(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    for (const [name, text] of Object.entries(files)) await write(name, text);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, path: (name) => within(folder, name), write, remove, [Symbol.asyncDispose]: remove };
}

function within(folder: string, name: string): string {
  const path = join(folder, name);
  const inner = relative(folder, path);
  if (!isAbsolute(name) && inner !== '..' && !inner.startsWith('../') && !isAbsolute(inner)) return path;
  throw new PorticoError('PORTICO_FILE_OUTSIDE', {
    message: `the file "${name}" would be outside the test's directory`,
    hint: 'Write file names relative to the directory, without "..".',
  });
}

/** A logger, and the lines that it wrote, parsed. */
export interface CapturedLog {
  readonly log: Logger;
  /** The fields of each line; the message is `msg`, and `level` is a name. */
  readonly lines: readonly Record<string, unknown>[];
  /** Returns all lines as text, for example to assert that no secret was logged. */
  readonly text: () => string;
}

/** Returns a logger that keeps its lines. Default level: `debug`. */
export function captureLog(level: LogLevel = 'debug'): CapturedLog {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  return {
    log: createLogger({ level, format: 'json', destination }),
    lines,
    text: () => lines.map((line) => JSON.stringify(line)).join('\n'),
  };
}
