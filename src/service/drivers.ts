/** Drivers: implementations selected by configuration and checked when they are loaded. */
import { didYouMean, errorText, PorticoError, refuseUnknownOptions, whatItIs } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { importModuleExport, type ModuleExportOptions, makeFrom } from './module-export.js';

/** Options of {@link Drivers}. */
export interface DriversOptions extends Partial<ModuleExportOptions> {
  /** Drivers by short name: classes, functions and objects. Default: none, each name is a module. */
  readonly builtin?: Readonly<Record<string, unknown>>;
  /** Receives the errors of drivers that fail to close. Default: they are not logged. */
  readonly log?: Logger;
}

/** Optional methods of a driver, besides those that its interface requires. */
export interface DriverLife {
  /** Connects. Called after the constructor, which does no I/O. */
  open?(): unknown;
  /** Rejects if the driver cannot work at present. */
  healthcheck?(): unknown;
  /** Releases what `open` acquired. */
  close?(): unknown;
}

/** Options of {@link Drivers.load}. */
export interface LoadDriverOptions {
  /** Methods that the driver must have. Default: none. */
  readonly required?: readonly string[];
  /** Arguments of the class or function. Default: none. */
  readonly args?: readonly unknown[];
}

const NAMES: readonly (keyof DriversOptions)[] = ['builtin', 'log', 'folder', 'root', 'allowExternalModules'];

/** Loaded drivers. An object that a module exports may have several users, such as the old and the new application of a reload. */
const uses = new WeakMap<DriverLife, { users: number; readonly opening: Promise<unknown> }>();

/** Removes a user of a driver. Reports whether it was the last one. */
function release(driver: DriverLife): boolean {
  const use = uses.get(driver)!;
  use.users--;
  if (use.users === 0) uses.delete(driver);
  return use.users === 0;
}

/** Loads drivers by name or by module and export (`./file.js:export`, `package/path:export`), and closes them. */
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
   * Makes, checks and opens a driver: instantiates a class, calls a function, and uses any other value unchanged, which is opened once and
   * closes with the last of its users. Throws
   * `PORTICO_UNKNOWN_DRIVER` with the known names, `PORTICO_DRIVER_FAILED` if it cannot be made, `PORTICO_BAD_DRIVER` if it lacks a
   * required method, `PORTICO_DRIVER_OPEN` if `open` fails, and the errors of an import.
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
    // Before it is open: another load waits for the same opening.
    const use = uses.get(driver) ?? { users: 0, opening: (async () => driver.open?.())() };
    use.users++;
    uses.set(driver, use);
    try {
      await use.opening;
    } catch (cause) {
      release(driver);
      throw failed('PORTICO_DRIVER_OPEN', name, 'opened', cause);
    }
    this.#open.push(driver);
    return driver as T & DriverLife;
  }

  /** Returns the export for a name. Imports its module, but makes nothing. Throws like {@link load} if it does not exist. */
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

  /** Closes the opened drivers in reverse order, but for those that others have loaded too. Logs failures and continues. */
  async close(): Promise<void> {
    for (const driver of this.#open.splice(0).reverse()) {
      try {
        if (release(driver)) await driver.close?.();
      } catch (error) {
        this.#log?.error({ err: error }, `closing driver ${driver.constructor.name} failed`);
      }
    }
  }
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

/** Returns the error for a driver whose constructor, function or `open` failed. */
function failed(code: string, name: string, what: string, cause: unknown): PorticoError {
  return new PorticoError(code, { message: `the driver "${name}" cannot be ${what}: ${errorText(cause)}`, cause });
}
