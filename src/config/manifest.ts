/**
 * Which package a file belongs to: the nearest `package.json` above it.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

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
  for (let folder = dirname(realPath(file)); ; folder = dirname(folder)) {
    const manifest = manifestIn(folder);
    if (manifest !== undefined && fits(manifest)) return { folder, manifest };
    if (dirname(folder) === folder) return undefined;
  }
}

/** A path without links; as it is where there is no such file. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function manifestIn(folder: string): Manifest | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? manifest : undefined;
  } catch {
    // None here, or none that can be read: the next one upwards.
    return undefined;
  }
}
