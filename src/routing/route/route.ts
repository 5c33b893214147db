/**
 * One route: a template, its defaults, requirements and conditions.
 */

import { isAsync } from '../../app/internal.js';
import { withCode } from '../../errors/index.js';
import { remembered, translateRegex } from '../template/python-regex.js';
import { RegexProblem } from '../template/regex-groups.js';
import {
  type PathVariable,
  type RouteWarning,
  readTemplate,
  SEPARATORS,
  type TemplatePart,
} from '../template/template.js';
import type { Conditions } from './conditions.js';

/** Id of a resource's member: a segment that does not end in a backslash. */
export const MEMBER_ID = '[^\\/]+(?<!\\\\)';

/** Regular expressions for variables, in Python's syntax. */
export type Requirements = Record<string, string>;

/** Changes the values for a URL; returns the values to use. */
export type GenerateFilter = (values: Record<string, unknown>) => Record<string, unknown>;

/**
 * Options of a route. Any name that is not listed here is a default: a value of every match, and of the route that generation looks for.
 */
export interface RouteOptions {
  /** Regular expressions of variables, by name. Default: any segment. */
  readonly requirements?: Requirements | undefined;
  /** Further conditions: `method`, `subDomain`, `function`. Default: none. */
  readonly conditions?: Conditions | null | undefined;
  /** False adds `controller: 'content'` and `action: 'index'`, as very old tables expect. */
  readonly _explicit?: boolean | undefined;
  /** Trailing variables with defaults may be omitted, as very old tables expect. */
  readonly _minimize?: boolean | undefined;
  /** The route only generates. */
  readonly _static?: boolean | undefined;
  /** The route is generated without the script name. */
  readonly _absolute?: boolean | undefined;
  /** Changes values before a URL is generated. Default: none. */
  readonly _filter?: GenerateFilter | null | undefined;
  /** Accepted for compatibility with Routes, and ignored: URLs are UTF-8. */
  readonly _encoding?: string | undefined;
  /** Member of the resource; set by `resource`. */
  readonly _memberName?: string | undefined;
  /** Collection of the resource; set by `resource`. */
  readonly _collectionName?: string | undefined;
  /** Parent of the resource; set by `resource`. */
  readonly _parentResource?: ParentResource | null | undefined;
  /** Warnings in addition to those of its path. */
  readonly _notices?: readonly RouteWarning[] | undefined;
  /** Names of the types of its variables, by variable. */
  readonly _types?: ReadonlyMap<string, string> | undefined;
  readonly [name: string]: unknown;
}

/** The parent resource of another one. */
export interface ParentResource {
  readonly memberName: string;
  readonly collectionName: string;
}

/** Options of a route in Routes; any other name is a default there. */
export const RESERVED: ReadonlySet<string> = new Set([
  'requirements',
  'conditions',
  '_explicit',
  '_minimize',
  '_static',
  '_absolute',
  '_filter',
  '_encoding',
  '_memberName',
  '_collectionName',
  '_parentResource',
  '_notices',
  '_types',
]);

/** A route. Its expression is compiled with the table, when all requirements are known. */
export class Route {
  readonly name: string | null;
  readonly template: string;
  /** Its options, without those that only the mapper reads. */
  readonly options: RouteOptions;
  readonly parts: readonly TemplatePart[];
  readonly notices: readonly RouteWarning[];
  readonly requirements: Requirements;
  /** Names of the types of its variables, by variable; a variable with an expression has none. */
  readonly types: ReadonlyMap<string, string>;
  readonly conditions: Conditions | null;
  readonly defaults: ReadonlyMap<string, unknown>;
  readonly minimize: boolean;
  readonly isStatic: boolean;
  /** True for a static route to another host. */
  readonly isExternal: boolean;
  readonly absolute: boolean;
  readonly filter: GenerateFilter | null;
  readonly parentResource: ParentResource | null;
  /** Variables of the path, by name. */
  readonly variables: ReadonlyMap<string, PathVariable>;
  /** Every name that the route can use: variables and defaults. */
  readonly maxKeys: ReadonlySet<string>;
  /** Names that a URL requires. */
  readonly minKeys: ReadonlySet<string>;
  /** Defaults that are not in the path and not null: a URL is only generated for exactly these values. */
  readonly hardcoded: readonly string[];
  readonly #checks: ReadonlyMap<string, RegExp>;

  constructor(name: string | null, template: string, options: RouteOptions) {
    this.name = name;
    this.options = options;
    this.isStatic = options._static ?? false;
    this.isExternal = this.isStatic && template.includes('://');
    this.minimize = !this.isStatic && (options._minimize ?? false);
    this.template = this.minimize && template.startsWith('/') ? template.slice(1) : template;
    this.requirements = options.requirements ?? (Object.create(null) as Requirements);
    this.types = options._types ?? new Map();
    this.conditions = usable(options.conditions);
    this.absolute = options._absolute ?? false;
    this.filter = options._filter ?? null;
    this.parentResource = options._parentResource ?? null;
    const { parts, notices } = readTemplate(this.template, this.requirements, this.isStatic);
    this.parts = parts;
    this.notices = [...notices, ...(options._notices ?? [])];
    this.variables = new Map(this.parts.filter((part) => typeof part !== 'string').map((part) => [part.name, part]));
    this.#checks = compileChecks(this.requirements);
    this.defaults = defaultsOf(options, this.variables, options._explicit ?? false);
    this.maxKeys = new Set([...this.defaults.keys(), ...this.variables.keys()]);
    this.minKeys = this.minimize ? neededKeys(this.parts, this.defaults) : new Set(this.variables.keys());
    this.hardcoded = [...this.maxKeys].filter((key) => !this.variables.has(key) && this.defaults.get(key) !== null);
  }

  /** Literal text before the first variable, without trailing slashes: routes with a longer one are tried first. */
  get literalPrefix(): string {
    let text = '';
    for (const part of this.parts) {
      if (typeof part !== 'string') break;
      text += part;
    }
    return (this.minimize && !text.startsWith('/') ? `/${text}` : text).replace(/\/+$/, '');
  }

  /** Reports whether a value for a URL satisfies the requirement of its name. Values that are empty or null are not checked. */
  satisfies(name: string, value: unknown): boolean {
    const check = this.#checks.get(name);
    if (check === undefined || !isTruthy(value)) return true;
    check.lastIndex = 0;
    return check.test(pythonText(value));
  }
}

/** Reports whether a value is true in Python. */
export function isTruthy(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function usable(conditions: Conditions | null | undefined): Conditions | null {
  if (conditions === null || conditions === undefined || Object.keys(conditions).length === 0) return null;
  const { function: accept } = conditions;
  if (isAsync(accept)) {
    throw withCode(
      new TypeError('a condition function must not be asynchronous: its promise would always accept the route'),
      'PORTICO_ROUTE_DEFINITION',
    );
  }
  return conditions;
}

/** Compiles requirements for generation: anchored at the start, with `$` after the text and no group around it. */
const checkOf = remembered((requirement) => new RegExp(translateRegex(`^${requirement}$`).source, 'vy'));

function compileChecks(requirements: Requirements): ReadonlyMap<string, RegExp> {
  const check = (name: string, requirement: string): RegExp => {
    try {
      return checkOf(requirement);
    } catch (cause) {
      if (!(cause instanceof RegexProblem || cause instanceof SyntaxError)) throw cause;
      const message = `the requirement of "${name}", ${requirement}, cannot be used: ${cause.message}`;
      throw new RegexProblem(message, { cause });
    }
  };
  return new Map(Object.entries(requirements).map(([name, requirement]) => [name, check(name, requirement)]));
}

function defaultsOf(
  options: RouteOptions,
  variables: ReadonlyMap<string, PathVariable>,
  explicit: boolean,
): ReadonlyMap<string, unknown> {
  const defaults = new Map<string, unknown>();
  for (const [name, value] of Object.entries(options)) {
    if (!RESERVED.has(name) && value !== undefined) defaults.set(name, defaultValue(value));
  }
  if (explicit) return defaults;
  if (!variables.has('controller') && !defaults.has('controller')) defaults.set('controller', 'content');
  if (!defaults.has('action')) defaults.set('action', 'index');
  if (variables.has('id') && !defaults.has('id')) defaults.set('id', null);
  return defaults;
}

/** Converts a default to text: `5` is `"5"`, `true` is `"True"`. Null and functions are unchanged. */
function defaultValue(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  return typeof value === 'function' ? value : pythonText(value);
}

/** With minimization: returns the variables before the trailing run of variables with defaults. */
function neededKeys(parts: readonly TemplatePart[], defaults: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  const needed = new Set<string>();
  let gap = false;
  for (const part of [...parts].reverse()) {
    if (typeof part === 'string') {
      if (!SEPARATORS.includes(part)) gap = true;
    } else if (gap || !defaults.has(part.name)) {
      needed.add(part.name);
      gap = true;
    }
  }
  return needed;
}

/** Formats as Python's `str`: `5` is `5`, `true` is `True`, null is `None`; text is unchanged. */
export function pythonText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${quoted(key)}: ${quoted(item)}`)
      .join(', ')}}`;
  }
  // Numbers and BigInts; and objects of the application, which have their own text.
  return `${value as number}`;
}

/** Formats as Python's `repr`, which containers use for their items. */
function quoted(value: unknown): string {
  if (typeof value !== 'string') return pythonText(value);
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  return `${quote}${value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replaceAll('\n', '\\n')}${quote}`;
}
