/**
 * Options that packages announce in their `package.json`: `"portico": { "options": "./options.js" }` names a module that declares them. Their
 * names have an owner then, even where the code that reads them does not run.
 */
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Diagnostic, errorText, ignoreErrors, loadFailure, locationInFile, shownPath } from '../errors/index.js';
import { findPackage, type Manifest, packageOf } from './packages.js';

/**
 * Imports what the packages of these files, and their dependencies, announce. Returns a warning for each module that cannot be imported: the
 * names that it declares seem to have no owner.
 */
export async function loadAnnounced(files: readonly string[]): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const [folder, manifest] of packagesOf(files)) {
    const { options } = (manifest.portico ?? {}) as { readonly options?: unknown };
    if (options === undefined) continue;
    const module = typeof options === 'string' ? options : JSON.stringify(options);
    try {
      await import(pathToFileURL(join(folder, module)).href);
    } catch (error) {
      const location = locationInFile({ file: shownPath(join(folder, 'package.json')), line: 1, column: 1 });
      const message = `portico.options: ${loadFailure(module, errorText(error))}`;
      const hint = 'Name a module that declares options: "portico": { "options": "./options.js" }.';
      found.push({ severity: 'warning', code: 'PORTICO_MODULE_FAILED', location, message, hint });
    }
  }
  return found;
}

/** Returns each package by its folder. */
function packagesOf(files: readonly string[]): Map<string, Manifest> {
  const packages = new Map<string, Manifest>();
  for (const file of files) {
    const own = packageOf(resolve(file));
    if (own === undefined || packages.has(own.folder)) continue;
    packages.set(own.folder, own.manifest);
    const { dependencies = {} } = own.manifest as { readonly dependencies?: Readonly<Record<string, string>> };
    for (const name of Object.keys(dependencies)) {
      const further = ignoreErrors(() => findPackage(name, dirname(file)));
      if (further !== undefined) packages.set(further.folder, further.manifest);
    }
  }
  return packages;
}
