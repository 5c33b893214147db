/**
 * Names of things in modules, as configuration gives them: `package/path:export`, `./file.js#export`, or a module alone,
 * whose default export is meant.
 */
import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { didYouMean, PorticoError, whatItIs } from '../errors/index.js';
import { importFailure } from './import-failure.js';
import { ModuleMissing, moduleUrl } from './module-path.js';

/** Where names are looked up. */
export interface ModuleExportOptions {
  /** The folder relative names begin at, and packages are seen from: the configuration file's. */
  readonly folder: string;
  /** The application's root: files outside of it are refused. Default: `folder`. */
  readonly root?: string;
  /** Lets relative and absolute names lead outside the root. Packages may always be anywhere. Default false. */
  readonly allowExternalModules?: boolean;
}

/** A reference taken apart: `default` where no export is named. */
export function parseModuleExport(reference: string): { readonly module: string; readonly name: string } {
  const [, module, name] = /^(.+?)(?:#|:)([A-Za-z_$][\w$.]*)$/s.exec(reference) ?? [];
  if (module === undefined || module === 'node' || module === 'file') return { module: reference, name: 'default' };
  return { module, name: name! };
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
  const { module, name } = parseModuleExport(reference);
  const url = locate(reference, module, options);
  let namespace: Record<string, unknown>;
  try {
    namespace = (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    throw new PorticoError('PORTICO_MODULE_FAILED', {
      message: `${reference}: importing ${module} failed: ${await importFailure(cause, url)}`,
      hint: cause instanceof PorticoError ? cause.hint : undefined,
      cause,
    });
  }
  const found = memberOf(namespace, name);
  if (found === undefined) {
    const names = Object.keys(namespace);
    const known = names.length === 0 ? 'It exports nothing.' : `It exports: ${names.join(', ')}.`;
    throw new PorticoError('PORTICO_EXPORT_NOT_FOUND', {
      message: `${reference}: ${module} has no export "${name}"`,
      hint: [didYouMean(name, names), known].filter((part) => part !== undefined).join(' '),
    });
  }
  return found;
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

function locate(reference: string, module: string, options: ModuleExportOptions): string {
  let url: string;
  try {
    url = moduleUrl(module, options.folder);
  } catch (error) {
    if (!(error instanceof ModuleMissing)) throw error;
    throw new PorticoError('PORTICO_MODULE_NOT_FOUND', {
      message: `${reference}: ${error.message}`,
      hint: error.known.length === 0 ? undefined : `Known: ${error.known.join(', ')}.`,
    });
  }
  const isPath = module.startsWith('.') || module.startsWith('/') || module.startsWith('file:');
  if (!isPath || options.allowExternalModules === true) return url;
  const root = realpathSync(resolve(options.root ?? options.folder));
  const path = realpathSync(fileURLToPath(url));
  if (path !== root && path.startsWith(root.endsWith(sep) ? root : root + sep)) return url;
  throw new PorticoError('PORTICO_MODULE_OUTSIDE', {
    message: `${reference}: ${path} is outside the application's folder ${root}`,
    hint: 'Move the module there, make it a package, or set allow_external_modules.',
  });
}

/** An export, or a member of one (`Drivers.Local`). A CommonJS module keeps its names on its default export as well. */
function memberOf(namespace: Record<string, unknown>, name: string): unknown {
  const direct = follow(namespace, name);
  if (name !== 'default') return direct ?? follow(namespace.default as Record<string, unknown> | undefined, name);
  // A module compiled from ES to CommonJS has its default export one level deeper.
  const inner = direct as { __esModule?: boolean; default?: unknown } | undefined;
  return inner?.__esModule === true && inner.default !== undefined ? inner.default : direct;
}

function follow(from: Record<string, unknown> | undefined, name: string): unknown {
  let value: unknown = from;
  for (const part of name.split('.')) {
    if (value === null || value === undefined) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}
