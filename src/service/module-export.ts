/** Loads objects that a configuration names by module and export: managers, drivers, hooks. */
import { realpathSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/index.js';
import { didYouMean, loadFailure, nearestOrAll, type Origin, PorticoError, whatItIs } from '../errors/index.js';
import {
  ExportMissing,
  ImportFailed,
  importExport,
  ModuleMissing,
  moduleUrl,
  parseExportReference,
} from '../modules/index.js';
import { servedPath } from '../process/index.js';

/** Options for resolving module names. */
export interface ModuleExportOptions {
  /** The directory for relative names and for finding packages: the configuration file's. */
  readonly folder: string;
  /** The application's root; files outside it are refused. Default: `folder`. */
  readonly root?: string;
  /** Allows relative and absolute paths outside the root. Packages may be anywhere. Default false. */
  readonly allowExternalModules?: boolean;
}

/** Returns the options for a module that an option names: relative to the file of `origin`, else to the last configuration file. */
export function besideOption(config: Pick<Config, 'configFiles'>, origin?: Origin): ModuleExportOptions {
  const file = origin?.file || (config.configFiles.at(-1) ?? './x');
  return { folder: dirname(resolve(file)), allowExternalModules: true };
}

/**
 * Imports a module and returns the named export. The exports of a CommonJS module are the members of its `module.exports`. Throws
 * `PORTICO_MODULE_NOT_FOUND`, `PORTICO_MODULE_FAILED`, `PORTICO_MODULE_OUTSIDE` and `PORTICO_EXPORT_NOT_FOUND`, each naming the
 * reference.
 */
export async function importModuleExport(reference: string, options: ModuleExportOptions): Promise<unknown> {
  if (typeof reference !== 'string' || reference.trim() === '') {
    throw new PorticoError('PORTICO_MODULE_NOT_FOUND', {
      message: `the name of a module must be a non-empty string, not ${whatItIs(reference)}`,
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
      hint: error.known.length === 0 ? fileHint(module, name) : nearestOrAll(module, error.known, 'Known'),
    });
  }
  if (error instanceof ImportFailed) {
    const { cause } = error;
    const { message, reason } = loadFailure(module, error.message);
    return new PorticoError('PORTICO_MODULE_FAILED', {
      message: `${reference}: ${message}`,
      reason,
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

/** Returns a hint for a module that is not installed, and may be a file. */
function fileHint(module: string, name: string): string | undefined {
  if (/^[./]/.test(module) || module.startsWith('file:')) return undefined;
  return `A file begins with "./": ./file.js:${name === 'default' ? module : name}`;
}

/** Instantiates a class with `args`, calls a function with them, and returns any other value unchanged. */
export async function makeFrom(value: unknown, args: readonly unknown[]): Promise<unknown> {
  if (typeof value !== 'function') return value;
  if (isClass(value)) return new (value as new (...args: readonly unknown[]) => unknown)(...args);
  return (value as (...args: readonly unknown[]) => unknown)(...args);
}

/** Reports whether a value is a `class`, or a function with methods on its prototype. */
export function isClass(value: unknown): boolean {
  if (typeof value !== 'function') return false;
  if (/^class\b/.test(Function.prototype.toString.call(value))) return true;
  const prototype = (value as { prototype?: object }).prototype;
  return prototype !== undefined && Object.getOwnPropertyNames(prototype).some((name) => name !== 'constructor');
}

function refuseOutside(reference: string, module: string, url: string, options: ModuleExportOptions): void {
  const isPath = module.startsWith('.') || module.startsWith('/') || module.startsWith('file:');
  if (!isPath || options.allowExternalModules === true) return;
  const root = realpathSync(servedPath(resolve(options.root ?? options.folder)));
  const path = realpathSync(fileURLToPath(url));
  if (path === root || !path.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new PorticoError('PORTICO_MODULE_OUTSIDE', {
      message: `${reference}: ${path} is outside the application's directory ${root}`,
      hint: 'Move the module there, make it a package, or set allow_external_modules.',
    });
  }
}
