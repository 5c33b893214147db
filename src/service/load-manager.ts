/**
 * From what a manager is given as, a name in the configuration or something in code, to the manager itself.
 */
import { ConfigurationRefused } from '../errors/index.js';
import { silentLogger } from '../log/index.js';
import { loadDriver } from './drivers.js';
import { checkHooks } from './hook-caller.js';
import type { Manager } from './manager.js';
import { importModuleExport, isClass, type ModuleExportOptions, makeFrom } from './module-export.js';
import type { Awaitable } from './service.js';

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

const HINT = 'A manager is an object, a class, or a function that gives one; its hooks are optional methods.';

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
    manager = await loadDriver(source, where, context);
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
  if (typeof source !== 'function') return 'what was given';
  const name = source.name || '(anonymous)';
  return isClass(source) ? `the class ${name}` : `what the function ${name} gave`;
}
