/**
 * One route: a template, its defaults, requirements and conditions.
 */

import { withCode } from '../../errors/index.js';
import { RegexProblem } from '../template/pattern-reader.js';
import { translateRegex } from '../template/python-regex.js';
import {
  type PathVariable,
  type RouteWarning,
  readTemplate,
  SEPARATORS,
  type TemplatePart,
} from '../template/template.js';
import type { Conditions } from './conditions.js';

/** The id of a member of a resource: a segment that does not end in a backslash. */
export const MEMBER_ID = '[^\\/]+(?<!\\\\)';

/** Regular expressions for variables, in Python's syntax. */
export type Requirements = Record<string, string>;

/** May change the values a URL is made from; returns the values to use. */
export type GenerateFilter = (values: Record<string, unknown>) => Record<string, unknown>;

/**
 * Options of a route. Any name that is not listed here is a default: a value of every match, and of the route
 * that generation looks for.
 */
export interface RouteOptions {
  /** Regular expressions of variables, by name. Default: whatever a segment can be. */
  readonly requirements?: Requirements | undefined;
  /** Further conditions: `method`, `subDomain`, `function`. Default: none. */
  readonly conditions?: Conditions | null | undefined;
  /** False adds `controller: 'content'` and `action: 'index'`, as very old tables expect. */
  readonly _explicit?: boolean | undefined;
  /** Trailing variables with defaults may be left out, as very old tables expect. */
  readonly _minimize?: boolean | undefined;
  /** The route only generates. */
  readonly _static?: boolean | undefined;
  /** Generated without script name. */
  readonly _absolute?: boolean | undefined;
  /** Changes values before a URL is generated. Default: none. */
  readonly _filter?: GenerateFilter | null | undefined;
  /** Known from Routes, and without effect: URLs are UTF-8. */
  readonly _encoding?: string | undefined;
  /** The member of the resource, as `resource` sets it. */
  readonly _memberName?: string | undefined;
  /** The collection of the resource, as `resource` sets it. */
  readonly _collectionName?: string | undefined;
  /** The parent of the resource, as `resource` sets it. */
  readonly _parentResource?: ParentResource | null | undefined;
  /** Oddities besides those of its path. */
  readonly _notices?: readonly RouteWarning[] | undefined;
  /** Names of the types of its variables, by variable. */
  readonly _types?: ReadonlyMap<string, string> | undefined;
  readonly [name: string]: unknown;
}

/** The resource that another one belongs to. */
export interface ParentResource {
  readonly memberName: string;
  readonly collectionName: string;
}

const RESERVED: ReadonlySet<string> = new Set([
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
  /** Options that it was made from, without those that only the mapper reads. */
  readonly options: RouteOptions;
  readonly parts: readonly TemplatePart[];
  readonly notices: readonly RouteWarning[];
  readonly requirements: Requirements;
  /** Names of the types of its variables, by variable; one with an expression has none. */
  readonly types: ReadonlyMap<string, string>;
  readonly conditions: Conditions | null;
  readonly defaults: ReadonlyMap<string, unknown>;
  readonly minimize: boolean;
  readonly isStatic: boolean;
  /** Static, and to another host. */
  readonly isExternal: boolean;
  readonly absolute: boolean;
  readonly filter: GenerateFilter | null;
  readonly parentResource: ParentResource | null;
  /** Variables of the path, by name. */
  readonly variables: ReadonlyMap<string, PathVariable>;
  /** Every name the route can use: variables and defaults. */
  readonly maxKeys: ReadonlySet<string>;
  /** The names a URL cannot be made without. */
  readonly minKeys: ReadonlySet<string>;
  /** Defaults that are not in the path and not null: a URL is only made for exactly these values. */
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

  /** The literal text in front of the first variable, without trailing slashes: the longer, the earlier it is tried. */
  get literalPrefix(): string {
    let text = '';
    for (const part of this.parts) {
      if (typeof part !== 'string') break;
      text += part;
    }
    return (this.minimize && !text.startsWith('/') ? `/${text}` : text).replace(/\/+$/, '');
  }

  /** Whether a value for a URL satisfies the requirement of its name. Values that are empty or null are not checked. */
  satisfies(name: string, value: unknown): boolean {
    const check = this.#checks.get(name);
    if (check === undefined || !isTruthy(value)) return true;
    check.lastIndex = 0;
    return check.test(pythonText(value));
  }
}

/** Whether Python takes a value for true. */
export function isTruthy(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function usable(conditions: Conditions | null | undefined): Conditions | null {
  if (conditions === null || conditions === undefined || Object.keys(conditions).length === 0) return null;
  const { function: accept } = conditions;
  if (accept !== undefined && accept.constructor.name === 'AsyncFunction') {
    throw withCode(
      new TypeError('a condition function must not be asynchronous: its promise would always accept the route'),
      'PORTICO_ROUTE_DEFINITION',
    );
  }
  return conditions;
}

/** Requirements as they are checked in generation: from the start, with `$` after the text and no group around it. */
function compileChecks(requirements: Requirements): ReadonlyMap<string, RegExp> {
  const check = (name: string, requirement: string): RegExp => {
    try {
      return new RegExp(translateRegex(`^${requirement}$`).source, 'vy');
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

/** Defaults are text: `5` is `"5"`, `true` is `"True"`. Null stays null, functions stay functions. */
function defaultValue(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  return typeof value === 'function' ? value : pythonText(value);
}

/** With minimization: the variables that are not in the run of defaulted ones at the end. */
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

/** `5` is `5`, `true` is `True`, null is `None`; text is itself. */
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
  // Numbers and BigInts; and objects of the application's own, which have their own text.
  return `${value as number}`;
}

/** As Python's `repr`, which containers use for what they hold. */
function quoted(value: unknown): string {
  if (typeof value !== 'string') return pythonText(value);
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  return `${quote}${value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replaceAll('\n', '\\n')}${quote}`;
}
