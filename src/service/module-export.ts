/**
 * What an option of the service configuration names: a manager, a driver, a hook, by its module and export.
 */
import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { didYouMean, PorticoError, whatItIs } from '../errors/index.js';
import {
  ExportMissing,
  ImportFailed,
  importExport,
  ModuleMissing,
  moduleUrl,
  parseExportReference,
} from '../modules/index.js';

/** Where names are looked up. */
export interface ModuleExportOptions {
  /** The folder relative names begin at, and packages are seen from: the configuration file's. */
  readonly folder: string;
  /** The application's root: files outside of it are refused. Default: `folder`. */
  readonly root?: string;
  /** Lets relative and absolute names lead outside the root. Packages may always be anywhere. Default false. */
  readonly allowExternalModules?: boolean;
}

/**
 * Imports a module and gives the export that was named. CommonJS modules count with what they assign to
 * `module.exports`. Throws `PORTICO_MODULE_NOT_FOUND`, `PORTICO_MODULE_FAILED`, `PORTICO_MODULE_OUTSIDE` and
 * `PORTICO_EXPORT_NOT_FOUND`, each naming the reference.
 */
export async function importModuleExport(reference: string, options: ModuleExportOptions): Promise<unknown> {
  if (typeof reference !== 'string' || reference.trim() === '') {
    throw new PorticoError('PORTICO_MODULE_NOT_FOUND', {
      message: `the name of a module is a text that is not empty, not ${whatItIs(reference)}`,
      hint: 'Write ./file.js:export, or package/path:export.',
    });
  }
  const parsed = parseExportReference(reference) ?? { module: reference };
  try {
    const url = moduleUrl(parsed.module, options.folder);
    refuseOutside(reference, parsed.module, url, options);
    return (await importExport(parsed, url)).value;
  } catch (error) {
    throw refused(error, reference, parsed.module, parsed.name ?? 'default');
  }
}

function refused(error: unknown, reference: string, module: string, name: string): unknown {
  if (error instanceof ModuleMissing) {
    return new PorticoError('PORTICO_MODULE_NOT_FOUND', {
      message: `${reference}: ${error.message}`,
      hint: error.known.length === 0 ? undefined : `Known: ${error.known.join(', ')}.`,
    });
  }
  if (error instanceof ImportFailed) {
    const { cause, message } = error;
    return new PorticoError('PORTICO_MODULE_FAILED', {
      message: `${reference}: importing ${module} failed: ${message}`,
      hint: cause instanceof PorticoError ? cause.hint : undefined,
      cause,
    });
  }
  if (!(error instanceof ExportMissing)) return error;
  const { part, known } = error;
  const there = known.length === 0 ? 'It exports nothing.' : `It exports: ${known.join(', ')}.`;
  return new PorticoError('PORTICO_EXPORT_NOT_FOUND', {
    message: `${reference}: ${module} has no export "${name}"`,
    hint: [didYouMean(part, known), there].filter((sentence) => sentence !== undefined).join(' '),
  });
}

/** A class is instantiated with `args`, a function called with them, anything else is taken as it is. */
export async function makeFrom(value: unknown, args: readonly unknown[]): Promise<unknown> {
  if (typeof value !== 'function') return value;
  if (isClass(value)) return new (value as new (...args: readonly unknown[]) => unknown)(...args);
  return (value as (...args: readonly unknown[]) => unknown)(...args);
}

/** True for `class` and for functions that carry methods for their instances. */
export function isClass(value: unknown): boolean {
  if (typeof value !== 'function') return false;
  if (/^class\b/.test(Function.prototype.toString.call(value))) return true;
  const prototype = (value as { prototype?: object }).prototype;
  return prototype !== undefined && Object.getOwnPropertyNames(prototype).some((name) => name !== 'constructor');
}

function refuseOutside(reference: string, module: string, url: string, options: ModuleExportOptions): void {
  const isPath = module.startsWith('.') || module.startsWith('/') || module.startsWith('file:');
  if (!isPath || options.allowExternalModules === true) return;
  const root = realpathSync(resolve(options.root ?? options.folder));
  const path = realpathSync(fileURLToPath(url));
  if (path === root || !path.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new PorticoError('PORTICO_MODULE_OUTSIDE', {
      message: `${reference}: ${path} is outside the application's folder ${root}`,
      hint: 'Move the module there, make it a package, or set allow_external_modules.',
    });
  }
}
