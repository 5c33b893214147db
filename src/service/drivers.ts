/**
 * Drivers: implementations chosen by configuration, checked when they are loaded.
 */
import { didYouMean, errorText, PorticoError, refuseUnknownOptions, whatItIs } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { importModuleExport, type ModuleExportOptions, makeFrom } from './module-export.js';

/** The source of drivers. */
export interface DriversOptions extends Partial<ModuleExportOptions> {
  /** Drivers with names of their own: classes, functions and objects. Default: none, each name is a module. */
  readonly builtin?: Readonly<Record<string, unknown>>;
  /** Tells of drivers that fail to close. Default: not logged. */
  readonly log?: Logger;
}

/** Optional methods of a driver, beside those that its interface requires. */
export interface DriverLife {
  /** After the constructor, which does no I/O: connects. */
  open?(): unknown;
  /** Rejects when the driver cannot work at present. */
  healthcheck?(): unknown;
  /** Releases what `open` acquired. */
  close?(): unknown;
}

/** How a driver is loaded. */
export interface LoadDriverOptions {
  /** Methods that it must have. Default: none. */
  readonly required?: readonly string[];
  /** Arguments of its class or function. Default: none. */
  readonly args?: readonly unknown[];
}

const NAMES: readonly (keyof DriversOptions)[] = ['builtin', 'log', 'folder', 'root', 'allowExternalModules'];

/** Loads drivers by name, a module and its export (`./file.js:export`, `package/path:export`), and closes them. */
export class Drivers {
  readonly #where: ModuleExportOptions;
  readonly #builtin: Readonly<Record<string, unknown>>;
  readonly #log: Logger | undefined;
  readonly #open: DriverLife[] = [];

  constructor(options: DriversOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Drivers', options, NAMES);
    const { log, builtin = {}, folder = '.', ...rest } = options;
    this.#where = { ...rest, folder };
    this.#builtin = builtin;
    this.#log = log;
  }

  /**
   * Makes, checks and opens a driver: a class is instantiated, a function called, anything else used as it is. Throws
   * `PORTICO_UNKNOWN_DRIVER` with the names there are, `PORTICO_DRIVER_FAILED` for one that cannot be made, `PORTICO_BAD_DRIVER`
   * for one that lacks a required method, `PORTICO_DRIVER_OPEN` for one that cannot be opened, and what `loadDriver` throws.
   */
  async load<T extends object>(source: string | object, options: LoadDriverOptions = {}): Promise<T & DriverLife> {
    const { required = [], args = [] } = options;
    const name = typeof source === 'string' ? source : nameOf(source);
    const found = typeof source === 'string' ? await this.find(source) : source;
    let driver: DriverLife;
    try {
      driver = (await makeFrom(found, args)) as DriverLife;
    } catch (error) {
      throw error instanceof PorticoError ? error : failed('PORTICO_DRIVER_FAILED', name, 'made', error);
    }
    checkDriver(name, driver, required);
    try {
      await driver.open?.();
    } catch (cause) {
      throw failed('PORTICO_DRIVER_OPEN', name, 'opened', cause);
    }
    this.#open.push(driver);
    return driver as T & DriverLife;
  }

  /** The export that a name stands for. Imports its module, and makes nothing. Throws as {@link load} for a missing one. */
  async find(name: string): Promise<unknown> {
    if (Object.hasOwn(this.#builtin, name)) return this.#builtin[name];
    const known = Object.keys(this.#builtin);
    if (known.length === 0 || /[/.:#]/.test(name)) return importModuleExport(name, this.#where);
    const names = `Known: ${known.join(', ')}; or pass a module: ./file.js:export, package/path:export.`;
    throw new PorticoError('PORTICO_UNKNOWN_DRIVER', {
      message: `there is no driver called "${name}"`,
      hint: [didYouMean(name, known), names].filter((hint) => hint !== undefined).join(' '),
    });
  }

  /** Closes what was opened, in reverse order; what fails is logged and the rest is closed. */
  async close(): Promise<void> {
    for (const driver of this.#open.splice(0).reverse()) {
      try {
        await driver.close?.();
      } catch (error) {
        this.#log?.error(`closing driver ${driver.constructor.name} failed`, { err: error });
      }
    }
  }
}

/**
 * Loads one thing by its name in configuration: a hook, a driver that is neither checked nor closed. A class is instantiated
 * with `args`, a function called, anything else used as it is. Throws as `importModuleExport`.
 */
export async function loadDriver<T>(reference: string, where: ModuleExportOptions, ...args: unknown[]): Promise<T> {
  return (await makeFrom(await importModuleExport(reference, where), args)) as T;
}

function checkDriver(name: string, driver: unknown, required: readonly string[]): void {
  const isThing = (typeof driver === 'object' || typeof driver === 'function') && driver !== null;
  const missing = isThing
    ? required.filter((method) => typeof (driver as Record<string, unknown>)[method] !== 'function')
    : [];
  if (isThing && missing.length === 0) return;
  const problem = isThing ? `it has no ${missing.join(', ')}` : `it is ${whatItIs(driver)}, not an object`;
  throw new PorticoError('PORTICO_BAD_DRIVER', {
    message: `"${name}" cannot be used: ${problem}`,
    hint: required.length === 0 ? undefined : `It must have ${required.join(', ')}.`,
  });
}

function nameOf(source: object): string {
  return typeof source === 'function' && source.name !== '' ? source.name : whatItIs(source);
}

/** A driver whose constructor, function or `open` failed. */
function failed(code: string, name: string, what: string, cause: unknown): PorticoError {
  return new PorticoError(code, { message: `the driver "${name}" cannot be ${what}: ${errorText(cause)}`, cause });
}
