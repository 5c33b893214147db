/**
 * Objects that an option of the service configuration names by module and export (a manager, a driver, a hook); and managers, be they named
 * or given in code.
 */
import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationRefused, didYouMean, PorticoError, whatItIs } from '../errors/index.js';
import { silentLogger } from '../log/index.js';
import {
  ExportMissing,
  ImportFailed,
  importExport,
  ModuleMissing,
  moduleUrl,
  parseExportReference,
} from '../modules/index.js';
import { servedPath } from '../process/index.js';
import { checkHooks } from './hook-caller.js';
import type { Manager } from './manager.js';
import type { Awaitable } from './service.js';

/** Surroundings of a lookup of names. */
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
function isClass(value: unknown): boolean {
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

/**
 * A manager, the class of one, a function that gives one, or the name of a module and its export. Typed as any object,
 * because one that has periodic tasks and no hooks is a manager as well.
 */
export type ManagerSource<C> =
  | string
  | Manager
  | object
  | (new (
      context: C,
    ) => object)
  | ((context: C) => Awaitable<object>);

const HINT = 'A manager is an object, a class, or a function that returns one; its hooks are optional methods.';

/**
 * Makes a manager: a class is instantiated with `context`, a function called with it, an object taken as it is. `option`
 * is what errors name, where their caller does not know a place. Throws `PORTICO_MANAGER` for what cannot be loaded or is no manager.
 */
export async function loadManager<C>(
  source: ManagerSource<C>,
  option: string | undefined,
  where: ModuleExportOptions,
  context: C,
): Promise<Manager> {
  if (typeof source !== 'string') return checked(await makeFrom(source, [context]), option, nameOf(source));
  let manager: unknown;
  try {
    manager = await makeFrom(await importModuleExport(source, where), [context]);
  } catch (error) {
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: `${option === undefined ? '' : `${option}: `}${(error as Error).message}`,
      hint: (error as { hint?: string }).hint,
      cause: error,
    });
  }
  return checked(manager, option, source);
}

/** Finds what {@link loadManager} would make the manager of, and makes nothing. Throws as `importModuleExport`. */
export async function findManager(reference: string, where: ModuleExportOptions): Promise<void> {
  const found = await importModuleExport(reference, where);
  if (typeof found === 'function') return;
  checkHooks(reference, checked(found, undefined, reference), silentLogger());
}

function checked(manager: unknown, option: string | undefined, source: string): Manager {
  if (typeof manager === 'object' && manager !== null) return manager;
  const what = manager === null ? 'null' : typeof manager;
  throw new ConfigurationRefused('PORTICO_MANAGER', {
    message: `${option === undefined ? '' : `${option}: `}${source} is ${what}, not a manager`,
    hint: HINT,
  });
}

function nameOf(source: unknown): string {
  if (typeof source !== 'function') return 'the given value';
  const name = source.name || '(anonymous)';
  return isClass(source) ? `the class ${name}` : `the value returned by ${name}`;
}
