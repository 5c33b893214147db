/** Makes the managers that options and code name, and checks the hooks of managers. */
import { ConfigurationRefused, nearestNames, whatItIs } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { silentLogger } from '../log/internal.js';
import type { Manager } from './manager.js';
import { importModuleExport, isClass, type ModuleExportOptions, makeFrom } from './module-export.js';
import type { Awaitable } from './service.js';

/**
 * A manager, its class, a function that returns one, or the name of a module and export. Typed as any object, because an object with
 * periodic tasks and no hooks is also a manager.
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
 * Makes a manager: instantiates a class with `context`, calls a function with it, and uses an object unchanged. `option` is named in
 * errors, if the caller cannot give a location. Throws `PORTICO_MANAGER` if the source cannot be loaded or is not a manager.
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

/**
 * Finds and checks the export for {@link loadManager}, but makes nothing. Throws like `importModuleExport`, and `PORTICO_MANAGER` if it
 * is not a manager.
 */
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

/** The hooks of a manager. */
export type HookName = 'initHost' | 'preStartHook' | 'postStartHook' | 'gracefulShutdown' | 'cleanupHost' | 'reset';

/** The names of all hooks. */
const HOOK_NAMES: readonly HookName[] = Object.freeze([
  'initHost',
  'preStartHook',
  'postStartHook',
  'gracefulShutdown',
  'cleanupHost',
  'reset',
]);

/** Shorter method names are not compared with hook names, because they are close to unrelated words. */
const LONG_NAME = 8;

/**
 * Throws `PORTICO_MANAGER` for a hook that is not a function or for invalid `periodicTasks`; warns about methods with names similar to a
 * hook's.
 */
export function checkHooks(service: string, manager: Manager, log: Logger): void {
  const named = manager.constructor?.name;
  const who = named === undefined || named === 'Object' ? 'the manager' : `the manager ${named}`;
  for (const hook of HOOK_NAMES) {
    const value: unknown = manager[hook];
    if (value === undefined || typeof value === 'function') continue;
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: `${service}: ${hook} of ${who} is ${value === null ? 'null' : `a ${typeof value}`}, not a function`,
      hint: 'Hooks are optional methods: omit those that you do not need.',
    });
  }
  const { periodicTasks } = manager;
  if (periodicTasks !== undefined && typeof (periodicTasks as { status?: unknown } | null)?.status !== 'function') {
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: `${service}: periodicTasks of ${who} is ${whatItIs(periodicTasks)}, not a PeriodicTasks`,
      hint: 'Mark the methods with @periodicTask and omit it, or pass new PeriodicTasks(this).',
    });
  }
  for (const name of membersOf(manager)) {
    const hook = HOOK_NAMES.find((known) => folded(known) === folded(name)) ?? nearHook(name);
    if (hook === undefined || hook === name || manager[hook as keyof Manager] !== undefined) continue;
    log.warn(`${service}: ${who} has ${name}, which is not a hook. Did you mean the hook ${hook}?`);
  }
}

function nearHook(name: string): string | undefined {
  return name.length < LONG_NAME ? undefined : nearestNames(name, HOOK_NAMES)[0];
}

function folded(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}

/** Returns the names of the methods of an object and its classes. Calls no getter. */
function membersOf(manager: object): Set<string> {
  const names = new Set<string>();
  for (let at: object | null = manager; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name);
    }
  }
  return names;
}
