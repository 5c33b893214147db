/**
 * A route with its expression, and its match for a path.
 */
import { acceptsMethod, acceptsSubDomain, type Match, type MatchRequest } from '../route/conditions.js';
import { isTruthy, type Route } from '../route/route.js';
import { translateRegex } from '../template/python-regex.js';
import { type PatternSource, wholePattern } from '../template/template.js';
import { type Segment, segmentsOf, textOf } from './segments.js';
import { hasManyWays, shortestParts } from './shortest-parts.js';

/** The text of each variable by its name, without absent optional ones. */
export type Captured = Readonly<Record<string, string>>;

/**
 * A table whose prototype has no members: `__proto__` is a name like others. Not one of `Object.create(null)`, which V8 keeps as a hash
 * table of 200 bytes.
 */
export class Table {
  [name: string]: string;
}
Object.setPrototypeOf(Table.prototype, null);
Reflect.deleteProperty(Table.prototype, 'constructor');

/** Returns values by their names, which have the same order. */
function byName(names: readonly string[], values: readonly (string | undefined)[]): Captured {
  const captured = new Table();
  for (let place = 0; place < names.length; place++) {
    const value = values[place];
    if (value !== undefined) captured[names[place]!] = value;
  }
  return captured;
}

/** A route of a compiled table. */
export class CompiledRoute {
  readonly route: Route;
  /** Index among the routes of the table that can match, in the order of definition. */
  readonly index: number;
  /** Literal text before the first variable: a path must begin with it. */
  readonly prefix: string;
  /** Names of the captured values, in the order of the path: variables, and named groups of requirements. */
  readonly names: readonly string[];
  /** Its rank in the order in which routes are tried. Set by the table. */
  rank = -1;
  /** True if other conditions than path and method must be checked. */
  readonly conditional: boolean;
  /** Source of its expression. */
  readonly source: PatternSource;
  /** Its independent segments. */
  readonly segments: readonly Segment[];
  /** True if these are its whole path. */
  readonly isWhole: boolean;
  /** Text that its path ends in. */
  readonly tail: string;
  /** The segments that its variables are; undefined: its expression captures the values. */
  readonly #slots: readonly number[] | undefined;
  #translated: { readonly regex: RegExp; readonly names: ReadonlyMap<string, number> } | undefined;
  /** Its expression could take very long, and is not used. */
  readonly #hasManyWays: boolean;

  /** `controllers`: values of a variable named `controller`. */
  constructor(route: Route, index: number, controllers: readonly string[]) {
    const { parts, requirements, defaults, minimize, conditions } = route;
    this.route = route;
    this.index = index;
    this.prefix = route.literalPrefix;
    this.source = { parts, requirements, defaults, minimize, controllers };
    this.names = [...route.variables.keys()];
    this.#hasManyWays = hasManyWays(parts, this.source);
    // If only a name can make the expression invalid, it is compiled on demand; the tree decides most routes without it.
    if (!hasPlainNames(route)) this.names = [...this.#expression.names.keys()];
    const [first] = parts;
    const isSegmented =
      !minimize && typeof first === 'string' && first.startsWith('/') && this.names.length === route.variables.size;
    const { segments, isWhole } = isSegmented ? segmentsOf(this.source) : { segments: [], isWhole: false };
    this.segments = segments;
    this.isWhole = isWhole;
    // With minimization the text at the end may be absent.
    this.tail = minimize ? '' : textOf(parts.at(-1));
    const isSliced = isWhole && segments.every(({ text, variable }) => (text ?? variable) !== undefined);
    this.#slots = isSliced ? segments.flatMap(({ text }, at) => (text === undefined ? [at] : [])) : undefined;
    this.conditional =
      conditions !== null && (conditions.function !== undefined || Object.hasOwn(conditions, 'subDomain'));
  }

  /** Expression of the whole path, and the number of the group for each name. */
  get #expression(): { readonly regex: RegExp; readonly names: ReadonlyMap<string, number> } {
    if (this.#translated === undefined) {
      const { source, names } = translateRegex(wholePattern(this.source));
      this.#translated = { regex: new RegExp(source, 'v'), names };
    }
    return this.#translated;
  }

  /** Its expression, for comparisons. */
  get pattern(): string {
    return this.#expression.regex.source;
  }

  /** Returns the values of a whole path; null if it does not match. Conditions are not checked. */
  capture(path: string): Captured | null {
    if (!path.startsWith(this.prefix)) return null;
    if (this.#hasManyWays) {
      const values = shortestParts(this.route.parts, path, 0, path.length, true);
      return values === null ? null : byName(this.names, values);
    }
    const { regex, names } = this.#expression;
    const found = regex.exec(path);
    if (found === null) return null;
    const captured = new Table();
    for (const [name, number] of names) if (found[number] !== undefined) captured[name] = found[number];
    return captured;
  }

  /** As {@link capture}, for a path whose segments begin at `starts`, and match those of the route: most are cut there, without an expression. */
  captureAt(path: string, starts: readonly number[]): Captured | null {
    const slots = this.#slots;
    if (slots === undefined) return this.capture(path);
    const captured = new Table();
    for (let place = 0; place < slots.length; place++) {
      const at = slots[place]!;
      captured[this.names[place]!] = path.slice(starts[at], starts[at + 1]! - 1);
    }
    return captured;
  }

  /** Reports whether a whole path matches. */
  takes(path: string): boolean {
    if (this.#hasManyWays) return this.capture(path) !== null;
    return path.startsWith(this.prefix) && this.#expression.regex.test(path);
  }

  /**
   * Returns the match for captured values, if its conditions accept: method, sub-domain, and last the function, which may add to the match.
   * `subDomainOf` undefined: the table does not use sub-domains.
   */
  answer(
    captured: Captured,
    request: MatchRequest | null,
    subDomainOf: ((request: MatchRequest | null) => string | null) | undefined,
  ): Found | null {
    const subDomain = subDomainOf?.(request);
    const found = new Found(this, captured, subDomain);
    const { conditions } = this.route;
    if (conditions === null) return found;
    if (request !== null && !acceptsMethod(conditions, request.method)) return null;
    if (!acceptsSubDomain(conditions, subDomain ?? null)) return null;
    return conditions.function === undefined || isTruthy(conditions.function(request, found.match)) ? found : null;
  }
}

/** Reports whether names are unique identifiers, and no requirement can have group names or back references. */
function hasPlainNames({ parts, variables, requirements, minimize }: Route): boolean {
  if (minimize || parts.filter((part) => typeof part !== 'string').length !== variables.size) return false;
  for (const name of variables.keys()) if (!/^[A-Za-z_]\w*$/.test(name)) return false;
  return !Object.values(requirements).some((requirement) => /\(\?P|\\[1-9]/.test(requirement));
}

/** Result of a lookup: the route and its values; the match is created on demand. */
export class Found {
  declare readonly compiled: CompiledRoute;
  declare readonly captured: Captured;
  /** Undefined: the table does not use sub-domains. */
  declare readonly subDomain: string | null | undefined;
  declare private made: Match | undefined;

  constructor(compiled: CompiledRoute, captured: Captured, subDomain: string | null | undefined) {
    this.compiled = compiled;
    this.captured = captured;
    this.subDomain = subDomain;
    this.made = undefined;
  }

  /** Variables, then defaults. A default replaces an empty value. */
  get match(): Match {
    if (this.made !== undefined) return this.made;
    const { names, route } = this.compiled;
    const match = Object.create(null) as Match;
    for (const name of names) {
      const value = this.captured[name] ?? null;
      const fallback = value ? undefined : route.defaults.get(name);
      match[name] = isTruthy(fallback) ? fallback : value;
    }
    for (const [name, value] of route.defaults) if (!Object.hasOwn(match, name)) match[name] = value;
    if (this.subDomain !== undefined) match.sub_domain = this.subDomain;
    this.made = match;
    return match;
  }
}
