/**
 * Drivers: implementations of one kind of thing, chosen by configuration, checked when they are loaded.
 */
import { isDeepStrictEqual } from 'node:util';
import { Config, defineOptions, type OptionDeclarations, string } from '../config/index.js';
import { didYouMean, errorText, nearestOrAll, PorticoError, refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { announcedDriver, checkDriver, checkKind, type DriverKind } from './driver-kind.js';
import { importModuleExport, type ModuleExportOptions, makeFrom } from './module-export.js';

/** Where drivers come from. */
export interface DriversOptions extends Partial<ModuleExportOptions> {
  /**
   * Where drivers that declare options (a static `options`, made with `defineOptions`) have them from: they are given the
   * values of their group before all other arguments.
   */
  readonly config?: Config | undefined;
  /** Tells of names that are old, and of drivers that fail to close. Default: not logged. */
  readonly log?: Logger;
}

/** What a driver may have beside the methods of its kind. */
export interface DriverLife {
  /** After the constructor, which does no I/O: connects. */
  open?(): unknown;
  /** Rejects when the driver cannot work at present. */
  healthcheck?(): unknown;
  /** Releases what `open` acquired. */
  close?(): unknown;
}

const NAMES: readonly (keyof DriversOptions)[] = ['config', 'log', 'folder', 'root', 'allowExternalModules'];

/** Of a group that is a backend's: which driver it is. */
const backendOptions = defineOptions({
  driver: string({ default: '', help: 'Which driver this is, where the group is the backend of a list.' }),
});

interface Loaded {
  readonly kind: string;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly driver: Promise<object>;
}

/**
 * Loads drivers by kind and name. A name is one of the kind's own table, else one that an installed package announces in
 * its manifest (`portico.drivers.<kind>.<name>`), else a module path.
 */
export class Drivers {
  readonly #kinds = new Map<string, DriverKind>();
  readonly #where: ModuleExportOptions;
  readonly #config: Config | undefined;
  readonly #log: Logger | undefined;
  readonly #shared: Loaded[] = [];
  readonly #open: DriverLife[] = [];

  constructor(options: DriversOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Drivers', options, NAMES);
    const { log, config, folder = '.', ...rest } = options;
    this.#where = { ...rest, folder };
    this.#config = config;
    this.#log = log;
  }

  /** Makes a kind known. Twice the same is fine; another declaration of that name, or one that cannot be, is refused. */
  declare(kind: DriverKind): void {
    checkKind(kind);
    const existing = this.#kinds.get(kind.kind);
    if (existing !== undefined && existing !== kind && !isDeepStrictEqual(existing, kind)) {
      throw new PorticoError('PORTICO_DRIVER_KIND_EXISTS', {
        message: `the driver kind "${kind.kind}" is declared twice, differently`,
      });
    }
    this.#kinds.set(kind.kind, kind);
  }

  /**
   * Makes, checks and opens a driver. Throws `PORTICO_UNKNOWN_DRIVER` with the names there are, `PORTICO_BAD_DRIVER` for
   * one that lacks what its kind requires, `PORTICO_DRIVER_OPEN` when it cannot be opened.
   */
  async load<T extends object>(kind: string, name: string, ...args: unknown[]): Promise<T & DriverLife> {
    const declared = this.#kind(kind);
    const canonical = this.#canonical(declared, name);
    if (declared.shared !== true) return (await this.#make(declared, canonical, args)) as T & DriverLife;
    let loaded = this.#shared.find(
      (one) => one.kind === kind && one.name === canonical && isDeepStrictEqual(one.args, args),
    );
    if (loaded === undefined) {
      loaded = { kind, name: canonical, args, driver: this.#make(declared, canonical, args) };
      this.#shared.push(loaded);
      const failed = loaded;
      loaded.driver.catch(() => this.#shared.splice(this.#shared.indexOf(failed), 1));
    }
    return (await loaded.driver) as T & DriverLife;
  }

  /** Looks for a driver, and makes none: imports its module. Throws as {@link load} for one that is not there. */
  async find(kind: string, name: string): Promise<void> {
    const declared = this.#kind(kind);
    await this.#find(declared, this.#canonical(declared, name));
  }

  /**
   * The drivers that `enabled_backends = a, b` names: each has a group of its own, where `driver` says which it is and
   * where its options are. `args` are given to all of them.
   */
  async loadBackends<T extends object>(
    kind: string,
    backends: readonly string[],
    ...args: unknown[]
  ): Promise<Map<string, T & DriverLife>> {
    const declared = this.#kind(kind);
    if (this.#config === undefined) {
      throw noConfiguration(`the backends of the kind "${kind}" are named in a configuration, and there is none`);
    }
    const loaded = new Map<string, T & DriverLife>();
    for (const backend of backends) {
      if (loaded.has(backend)) {
        throw new PorticoError('PORTICO_DUPLICATE_BACKEND', {
          message: `the ${kind} backend "${backend}" is listed twice`,
          hint: 'Name each backend once; a second one of the same driver has a group of its own.',
        });
      }
      const { driver } = this.#config.group(backend, backendOptions, { partial: true });
      if (driver === '') {
        throw new PorticoError('PORTICO_UNKNOWN_DRIVER', {
          message: `the backend [${backend}] names no ${kind} driver`,
          hint: `Write driver = … in [${backend}]. Known: ${Object.keys(declared.builtin ?? {}).join(', ') || 'none'}.`,
        });
      }
      const made = await this.#make(declared, this.#canonical(declared, driver), args, backend);
      loaded.set(backend, made as T & DriverLife);
    }
    return loaded;
  }

  /** What a driver can do: the kind's capabilities, false where the driver says nothing. */
  capabilities(kind: string, driver: object): Readonly<Record<string, boolean>> {
    const names = Object.entries(this.#kind(kind).capabilities ?? {});
    return Object.fromEntries(
      names.map(([name, usual]) => [name, ((driver as Record<string, unknown>)[name] ?? usual) === true]),
    );
  }

  /** Closes what was opened, in reverse order; what fails is logged and the rest is closed. */
  async close(): Promise<void> {
    this.#shared.length = 0;
    for (const driver of this.#open.splice(0).reverse()) {
      try {
        await driver.close?.();
      } catch (error) {
        this.#log?.error(`closing driver ${driver.constructor.name} failed`, { err: error });
      }
    }
  }

  #kind(name: string): DriverKind {
    const kind = this.#kinds.get(name);
    if (kind !== undefined) return kind;
    const known = [...this.#kinds.keys()];
    throw new PorticoError('PORTICO_UNKNOWN_DRIVER_KIND', {
      message: `there is no kind of driver called "${name}"`,
      hint: nearestOrAll(name, known, 'Kinds'),
    });
  }

  #canonical(kind: DriverKind, name: string): string {
    const renamed = Object.hasOwn(kind.aliases ?? {}, name) ? kind.aliases![name]! : undefined;
    if (renamed === undefined) return name;
    this.#log?.warn(`the ${kind.kind} driver "${name}" is now called "${renamed}"; the old name will go`);
    return renamed;
  }

  async #make(kind: DriverKind, name: string, args: readonly unknown[], group?: string): Promise<object> {
    const found = await this.#find(kind, name);
    const own = this.#ownOptions(kind, name, found, group ?? kind.configGroup ?? name);
    let driver: DriverLife;
    try {
      driver = (await makeFrom(found, [...own, ...args])) as DriverLife;
    } catch (error) {
      throw error instanceof PorticoError ? error : driverFailed('PORTICO_DRIVER_FAILED', kind, name, 'made', error);
    }
    checkDriver(kind, name, driver);
    try {
      await driver.open?.();
    } catch (cause) {
      throw driverFailed('PORTICO_DRIVER_OPEN', kind, name, 'opened', cause);
    }
    this.#open.push(driver);
    return driver;
  }

  /** The values of a driver's own group, which was unknown before it was loaded; names in it are judged now. */
  #ownOptions(kind: DriverKind, name: string, found: unknown, group: string): readonly unknown[] {
    if (typeof found !== 'function') return [];
    const { options } = found as { readonly options?: OptionDeclarations };
    if (options === undefined) return [];
    const required = Object.keys(options).filter((option) => options[option]!.required);
    if (this.#config === undefined && required.length > 0) {
      const wanted = `the ${kind.kind} driver "${name}" needs ${required.join(', ')} from a configuration`;
      throw noConfiguration(`${wanted}, and there is none`);
    }
    return [(this.#config ?? new Config()).group(group, { ...backendOptions, ...options })];
  }

  async #find(kind: DriverKind, name: string): Promise<unknown> {
    if (Object.hasOwn(kind.builtin ?? {}, name)) {
      const builtin = kind.builtin![name];
      return typeof builtin === 'string' ? importModuleExport(builtin, this.#where) : builtin;
    }
    const announced = announcedDriver(kind.kind, name, this.#where.folder);
    if (announced.found !== undefined) {
      return importModuleExport(announced.found.target, {
        ...this.#where,
        folder: announced.found.folder,
        allowExternalModules: true,
      });
    }
    if (/[/.:#]/.test(name)) return importModuleExport(name, this.#where);
    throw unknownDriver(kind, name, announced.known);
  }
}

/**
 * Loads one thing by its name in configuration, without a kind: a manager, a hook. A class is instantiated with `args`, a
 * function called, anything else used as it is. Throws as `importModuleExport`.
 */
export async function loadDriver<T>(reference: string, where: ModuleExportOptions, ...args: unknown[]): Promise<T> {
  return (await makeFrom(await importModuleExport(reference, where), args)) as T;
}

function noConfiguration(message: string): PorticoError {
  return new PorticoError('PORTICO_NO_CONFIG', { message, hint: 'Make the Drivers with { config }.' });
}

/** A driver whose constructor, function or `open` failed. */
function driverFailed(code: string, { kind }: DriverKind, name: string, what: string, cause: unknown): PorticoError {
  const why = errorText(cause);
  return new PorticoError(code, { message: `the ${kind} driver "${name}" cannot be ${what}: ${why}`, cause });
}

/** No driver of that name; with the names there are, and the package that has it. */
function unknownDriver(kind: DriverKind, name: string, announced: readonly string[]): PorticoError {
  const known = [...Object.keys(kind.builtin ?? {}), ...announced];
  const from = Object.hasOwn(kind.packages ?? {}, name) ? kind.packages![name] : undefined;
  const hints = [
    from === undefined ? undefined : `Install the package ${from}, which has it.`,
    didYouMean(name, known),
    `Known: ${known.join(', ') || 'none'}; or give a module: ./file.js:export, package/path:export.`,
  ];
  return new PorticoError('PORTICO_UNKNOWN_DRIVER', {
    message: `there is no ${kind.kind} driver called "${name}"`,
    hint: hints.filter((hint) => hint !== undefined).join(' '),
  });
}
