/**
 * A route with its expression, and the answer it gives for a path.
 */
import { acceptsMethod, acceptsSubDomain, type Match, type MatchRequest } from '../route/conditions.js';
import { isTruthy, type Route } from '../route/route.js';
import { translateRegex } from '../template/python-regex.js';
import { type PatternSource, wholePattern } from '../template/template.js';
import { hasManyWays, shortestParts } from './shortest-parts.js';

/** The text of each variable; undefined for an optional one that is not there. */
export type Captured = readonly (string | undefined)[];

/** A route of a compiled table. */
export class CompiledRoute {
  readonly route: Route;
  /** Its place among the routes of the table that can match, in the order they were defined. */
  readonly index: number;
  /** Literal text in front of the first variable: a path must begin with it. */
  readonly prefix: string;
  /** Names of the captured values, in the order of the path: the variables, and named groups of requirements. */
  readonly names: readonly string[];
  /** Its place in the order in which routes are tried. Given by the table. */
  rank = -1;
  /** More than path and method decide: the conditions have to be asked. */
  readonly conditional: boolean;
  /** Source of its expression. */
  readonly source: PatternSource;
  #regex: RegExp | undefined;
  /** Its expression could take long, and is not used. */
  readonly #hasManyWays: boolean;

  /** `controllers`: what a variable called `controller` may be. */
  constructor(route: Route, index: number, controllers: readonly string[]) {
    const { parts, requirements, defaults, minimize, conditions } = route;
    this.route = route;
    this.index = index;
    this.prefix = route.literalPrefix;
    this.source = { parts, requirements, defaults, minimize, controllers };
    this.names = [...route.variables.keys()];
    this.#hasManyWays = hasManyWays(parts, this.source);
    // A route whose expression can only be broken by a name need not have it compiled before it is wanted, and the
    // tree decides most routes without it.
    if (!hasPlainNames(route)) {
      const translated = translateRegex(wholePattern(this.source));
      this.#regex = new RegExp(translated.source, 'v');
      this.names = translated.names;
    }
    this.conditional =
      conditions !== null && (conditions.function !== undefined || Object.hasOwn(conditions, 'subDomain'));
  }

  /** Over the whole path, with a group for each name. */
  get regex(): RegExp {
    this.#regex ??= new RegExp(translateRegex(wholePattern(this.source)).source, 'v');
    return this.#regex;
  }

  /** The values for a whole path; null when it is not this route's. Conditions are not asked. */
  capture(path: string): Captured | null {
    if (!path.startsWith(this.prefix)) return null;
    if (this.#hasManyWays) return shortestParts(this.route.parts, path, 0, path.length, true);
    const groups = this.regex.exec(path);
    if (groups === null) return null;
    return this.names.map((name) => groups.groups?.[name]);
  }

  /** Whether a whole path is this route's. */
  takes(path: string): boolean {
    if (this.#hasManyWays) return this.capture(path) !== null;
    return path.startsWith(this.prefix) && this.regex.test(path);
  }

  /**
   * Its answer for values it captured, once its conditions accept: method, sub-domain, and last the function, which may add
   * to the match. `subDomainOf` undefined: the table does not look at sub-domains.
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

/** Names that are identifiers, once each, and no requirement that could have group names or back references. */
function hasPlainNames({ parts, variables, requirements, minimize }: Route): boolean {
  if (minimize || parts.filter((part) => typeof part !== 'string').length !== variables.size) return false;
  for (const name of variables.keys()) if (!/^[A-Za-z_]\w*$/.test(name)) return false;
  return !Object.values(requirements).some((requirement) => /\(\?P|\\[1-9]/.test(requirement));
}

/** Result of a lookup: the route and its values; the match is made when it is asked for. */
export class Found {
  declare readonly compiled: CompiledRoute;
  declare readonly captured: Captured;
  /** Undefined: the table does not look at sub-domains. */
  declare readonly subDomain: string | null | undefined;
  declare private made: Match | undefined;

  constructor(compiled: CompiledRoute, captured: Captured, subDomain: string | null | undefined) {
    this.compiled = compiled;
    this.captured = captured;
    this.subDomain = subDomain;
    this.made = undefined;
  }

  /** Variables, then defaults. A default replaces a value that is empty. */
  get match(): Match {
    if (this.made !== undefined) return this.made;
    const { names, route } = this.compiled;
    const match = Object.create(null) as Match;
    for (const [place, name] of names.entries()) {
      const value = this.captured[place] ?? null;
      const fallback = value ? undefined : route.defaults.get(name);
      match[name] = isTruthy(fallback) ? fallback : value;
    }
    for (const [name, value] of route.defaults) if (!Object.hasOwn(match, name)) match[name] = value;
    if (this.subDomain !== undefined) match.sub_domain = this.subDomain;
    this.made = match;
    return match;
  }
}
