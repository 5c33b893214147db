/**
 * Configuration files that exist for one test.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { PorticoError } from '../errors/index.js';

/** A folder with files in it. */
export interface TempConfig extends AsyncDisposable {
  readonly folder: string;
  /** The absolute path of a file in it. */
  path(name: string): string;
  /** Writes a file anew: what a reload finds. */
  write(name: string, text: string): Promise<void>;
  /** Removes the folder with everything in it. Safe to call twice. */
  remove(): Promise<void>;
}

/**
 * Writes files, by relative name, into a new folder below the system's temporary one. Remove it at the end of the
 * test: `t.after(() => files.remove())`. A name that leads out of the folder is refused: `PORTICO_FILE_OUTSIDE`.
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
    message: `the file "${name}" would be outside of the folder of the test`,
    hint: 'Name files relative to the folder, without "..".',
  });
}
