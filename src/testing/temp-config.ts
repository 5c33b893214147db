/**
 * Configuration files that exist for one test.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

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
 * test: `t.after(() => files.remove())`.
 */
export async function tempConfig(files: Readonly<Record<string, string>> = {}): Promise<TempConfig> {
  const folder = await mkdtemp(join(tmpdir(), 'portico-'));
  const write = async (name: string, text: string): Promise<void> => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  return { folder, path: (name) => join(folder, name), write, remove, [Symbol.asyncDispose]: remove };
}
