/**
 * Which versions run: what somebody who reads a report asks first.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a report says of a package. */
export interface PackageVersion {
  readonly name?: string;
  readonly version?: string;
}

/** The package that a file belongs to: the nearest `package.json` above it that says a version; else nothing is known. */
export function packageOf(file: string | undefined): PackageVersion {
  if (file === undefined) return {};
  let folder: string;
  try {
    folder = dirname(realpathSync(file));
  } catch {
    return {};
  }
  for (;;) {
    const found = readManifest(join(folder, 'package.json'));
    if (found.version !== undefined) return found;
    const above = dirname(folder);
    if (above === folder) return {};
    folder = above;
  }
}

/** Portico's own version. */
export function porticoVersion(): string | undefined {
  return packageOf(fileURLToPath(import.meta.url)).version;
}

function readManifest(path: string): PackageVersion {
  try {
    const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return { ...(typeof name === 'string' && { name }), ...(typeof version === 'string' && { version }) };
  } catch {
    return {};
  }
}
