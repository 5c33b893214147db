/**
 * A kind of driver, and what is checked of every driver of that kind when it is loaded.
 */
import { isObject, PorticoError, unknownOption, whatItIs } from '../errors/index.js';
import { packagesFrom } from '../modules/index.js';

/** What all drivers of a kind have in common. */
export interface DriverKind {
  /** Short and stable: `servicegroup`, `token_cache`. */
  readonly kind: string;
  /** A class that drivers may extend instead of having all required methods. */
  readonly base?: abstract new (
    ...args: never[]
  ) => object;
  /** Methods every driver has. */
  readonly required: readonly string[];
  /** Methods a driver may lack; calling one then throws {@link NotSupported}. */
  readonly optional?: readonly string[];
  /** What managers may ask a driver instead of testing its class, with what holds where it says nothing. */
  readonly capabilities?: Readonly<Record<string, boolean>>;
  /** `major.minor` of the interface; drivers declare theirs as `apiVersion`, of the same major and no lower minor. */
  readonly apiVersion?: string;
  /** The group of the configuration that a driver's options are in. Default: its name. */
  readonly configGroup?: string;
  /** True: the same name with equal arguments gives the same object. */
  readonly shared?: boolean;
  /** Drivers that come with the kind: classes, functions, objects, or names of modules. */
  readonly builtin?: Readonly<Record<string, unknown>>;
  /** Old names, and what they are called now. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Packages known to have a driver, for the error when one is missing. */
  readonly packages?: Readonly<Record<string, string>>;
}

/** A method that this driver does not offer. */
export class NotSupported extends PorticoError {
  constructor(driver: string, method: string) {
    super('PORTICO_NOT_SUPPORTED', { message: `${driver} does not support ${method}` });
  }
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isNames: Check = (value) => Array.isArray(value) && value.every(isText);
const isTable =
  (item: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(item);

/** Each member of a declaration with what it has to be. */
const MEMBERS: Readonly<Record<keyof DriverKind, readonly [what: string, check: Check]>> = {
  kind: ['a text', isText],
  base: ['a class', (value) => typeof value === 'function'],
  required: ['a list of names of methods', isNames],
  optional: ['a list of names of methods', isNames],
  capabilities: ['names with true or false', isTable((value) => typeof value === 'boolean')],
  apiVersion: ['a text such as "1.0"', (value) => typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)],
  configGroup: ['a text', isText],
  shared: ['true or false', (value) => typeof value === 'boolean'],
  builtin: ['an object', isObject],
  aliases: ['old names with new ones', isTable(isText)],
  packages: ['names of drivers with those of packages', isTable(isText)],
};

/** Throws `PORTICO_BAD_DRIVER_KIND`, naming all that is wrong, for what declares no kind. */
export function checkKind(kind: DriverKind): void {
  if (!isObject(kind)) throw badKind('', [`it is ${whatItIs(kind)}, not an object`]);
  const unknown = unknownOption(kind, Object.keys(MEMBERS));
  const problems = unknown === undefined ? [] : [`there is no ${unknown.name}`];
  for (const [name, [what, check]] of Object.entries(MEMBERS)) {
    const value = kind[name as keyof DriverKind];
    if (value === undefined ? name !== 'kind' && name !== 'required' : check(value)) continue;
    problems.push(`${name} is ${what}, not ${whatItIs(value)}`);
  }
  if (problems.length > 0) throw badKind(isText(kind.kind) ? ` "${kind.kind}"` : '', problems, unknown?.hint);
}

function badKind(name: string, problems: readonly string[], hint?: string): PorticoError {
  const message = `the driver kind${name} cannot be declared: ${problems.join('; ')}`;
  return new PorticoError('PORTICO_BAD_DRIVER_KIND', { message, hint });
}

/**
 * Throws `PORTICO_BAD_DRIVER`, naming all that is wrong, for what is no driver of this kind. Gives it the optional
 * methods it lacks, which throw {@link NotSupported}.
 */
export function checkDriver(kind: DriverKind, name: string, driver: unknown): void {
  const problems = problemsOf(kind, driver);
  if (problems.length > 0) {
    throw new PorticoError('PORTICO_BAD_DRIVER', {
      message: `"${name}" is no ${kind.kind} driver: ${problems.join('; ')}`,
      hint: `A ${kind.kind} driver has ${kind.required.join(', ') || 'no required methods'}.`,
    });
  }
  for (const method of kind.optional ?? []) {
    if (has(driver, method)) continue;
    const missing = (): never => {
      throw new NotSupported(`the ${kind.kind} driver "${name}"`, method);
    };
    Object.defineProperty(driver, method, { value: missing, configurable: true, writable: true });
  }
}

/** Finds a driver that an installed package announces: `"portico": { "drivers": { "<kind>": { "<name>": "./x.js:y" } } }`. */
export function announcedDriver(
  kind: string,
  name: string,
  from: string,
): { found: { folder: string; target: string } | undefined; known: string[] } {
  const known: string[] = [];
  for (const { folder, manifest } of packagesFrom(from)) {
    const announced = manifest.portico as { drivers?: Record<string, Record<string, string> | null> } | undefined;
    const drivers = announced?.drivers?.[kind];
    if (drivers === undefined || drivers === null) continue;
    if (Object.hasOwn(drivers, name)) return { found: { folder, target: drivers[name]! }, known };
    known.push(...Object.keys(drivers));
  }
  return { found: undefined, known };
}

function problemsOf(kind: DriverKind, driver: unknown): string[] {
  if ((typeof driver !== 'object' && typeof driver !== 'function') || driver === null) {
    return [`it is ${whatItIs(driver)}, not an object`];
  }
  const extendsBase = kind.base !== undefined && driver instanceof kind.base;
  const missing = extendsBase ? [] : kind.required.filter((method) => !has(driver, method));
  const problems = missing.length === 0 ? [] : [`it has no ${missing.join(', ')}`];
  if (kind.apiVersion === undefined) return problems;
  const declared =
    (driver as { apiVersion?: unknown }).apiVersion ?? (driver.constructor as { apiVersion?: unknown }).apiVersion;
  if (declared === undefined) return [...problems, 'it declares no apiVersion'];
  if (typeof declared !== 'string') {
    return [...problems, `its apiVersion is a text such as "${kind.apiVersion}", not ${whatItIs(declared)}`];
  }
  if (isCompatible(declared, kind.apiVersion)) return problems;
  return [...problems, `its apiVersion ${declared} does not fit ${kind.apiVersion}`];
}

/** Same major, minor no lower. Compared as integers: 1.10 is more than 1.9. */
function isCompatible(implemented: string, asked: string): boolean {
  const [major, minor = 0] = implemented.split('.').map(Number);
  const [askedMajor, askedMinor = 0] = asked.split('.').map(Number);
  return major === askedMajor && minor >= askedMinor;
}

function has(driver: unknown, method: string): boolean {
  return typeof (driver as Record<string, unknown>)[method] === 'function';
}
