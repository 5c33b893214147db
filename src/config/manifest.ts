/**
 * Which package a file belongs to: the nearest `package.json` above it.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { orUndefined } from '../errors/index.js';

/** What a `package.json` may say, as far as it is asked for here. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly bin?: string | Readonly<Record<string, string>>;
}

/** A package, and the folder it stands in. */
export interface OwnPackage {
  readonly folder: string;
  readonly manifest: Manifest;
}

/**
 * The package of a file, whose links are followed: the nearest one above it whose manifest can be read and `fits`. Undefined
 * where there is none.
 */
export function packageOf(file: string, fits: (manifest: Manifest) => boolean = () => true): OwnPackage | undefined {
  for (const folder of foldersUpwards(dirname(realPath(file)))) {
    // One that cannot be read is none.
    const manifest = orUndefined(() => readManifest(folder));
    if (manifest !== undefined && fits(manifest)) return { folder, manifest };
  }
  return undefined;
}

/** A folder and those it is in, up to the root. */
export function* foldersUpwards(from: string): Generator<string> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    yield folder;
    if (dirname(folder) === folder) return;
  }
}

/** The `package.json` of a folder; undefined where there is none. Throws for one that cannot be read. */
export function readManifest<M extends object = Manifest>(folder: string): M | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, 'package.json'), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  const manifest: unknown = JSON.parse(text);
  return typeof manifest === 'object' && manifest !== null ? (manifest as M) : undefined;
}

/** A path without links; as it is where there is no such file. */
export function realPath(path: string): string {
  return orUndefined(() => realpathSync(path)) ?? resolve(path);
}
