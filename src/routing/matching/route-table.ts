/**
 * A compiled route table: the order in which routes are tried, and the index that finds the first.
 */
import { METHODS } from 'node:http';
import {
  acceptsMethod,
  type CompiledSubDomains,
  type MatchRequest,
  type SubDomainOptions,
} from '../mapper/conditions.js';
import type { Route } from '../mapper/route.js';
import { translateRegex } from '../template/python-regex.js';
import { acceptFound, CompiledRoute, Found } from './compiled-route.js';
import { PatternFacts } from './pattern-facts.js';
import { planSegments, type SegmentPlan } from './segment-plan.js';
import { SegmentTree } from './segment-tree.js';

/** How a table is compiled. */
export interface RouteTableOptions extends SubDomainOptions {
  /** What a variable called `controller` may be. */
  readonly controllers: readonly string[];
  /** Told of a route that cannot be compiled; it throws, or collects and lets the others go on. */
  readonly refuse: (route: Route, error: Error) => void;
}

/** A route with the plan by which it is looked up. */
export interface PlannedRoute {
  readonly compiled: CompiledRoute;
  readonly plan: SegmentPlan;
}

/** A table of routes. Immutable. */
export class RouteTable {
  /** In the order of definition. */
  readonly routes: readonly CompiledRoute[];
  /** In the order they are tried: the longest literal prefix first, then the order of definition. */
  readonly ranked: readonly CompiledRoute[];
  /** The methods that a route asks for by name. */
  readonly methods: readonly string[];
  readonly #subDomains: CompiledSubDomains;
  /** {@link ranked}, with plans. */
  readonly planned: readonly PlannedRoute[];
  readonly #trees = new Map<string, SegmentTree>();
  /** For methods that no route names: only routes that take any. */
  readonly #otherMethods: SegmentTree;
  #anyMethod: SegmentTree | undefined;

  constructor(routes: readonly Route[], options: RouteTableOptions) {
    this.#subDomains = compileSubDomains(options);
    this.routes = compileRoutes(routes, options);
    this.ranked = [...this.routes].sort((a, b) => lengthOf(b.prefix) - lengthOf(a.prefix) || a.index - b.index);
    for (const [rank, compiled] of this.ranked.entries()) compiled.rank = rank;
    const facts = new PatternFacts();
    this.planned = this.ranked.map((compiled) => ({
      compiled,
      plan: planSegments(compiled, options.controllers, facts),
    }));
    this.methods = namedMethods(this.routes);
    for (const method of this.methods)
      this.#trees.set(
        method,
        this.#tree((route) => acceptsMethod(route, method)),
      );
    this.#otherMethods = this.#tree((conditions) => conditions?.method === undefined || isText(conditions.method));
  }

  /**
   * The first route that takes path and method. `method` null: methods are not looked at. `request` is for the other
   * conditions.
   */
  find(method: string | null, path: string, request: MatchRequest | null): Found | null {
    if (path.charCodeAt(0) !== SLASH || path.charCodeAt(path.length - 1) === NEWLINE) {
      return this.scan(path, request ?? (method === null ? null : { method }));
    }
    const known = method === null ? this.#forAny() : this.#trees.get(method);
    const tree = known ?? this.#otherMethods;
    for (let above = -1; ; ) {
      const leaf = tree.find(path, above);
      if (leaf === null) return null;
      const { compiled } = leaf;
      const captured = tree.capture(leaf);
      if (known !== undefined && !compiled.conditional && !this.#subDomains.enabled) {
        return new Found(compiled, captured, undefined);
      }
      const found = acceptFound(compiled, captured, request ?? (method === null ? null : { method }), this.#subDomains);
      if (found !== null) return found;
      above = leaf.rank;
    }
  }

  /** As {@link find}, without the index. */
  scan(path: string, request: MatchRequest | null): Found | null {
    return linearScan(this.ranked, path, request, this.#subDomains);
  }

  #forAny(): SegmentTree {
    this.#anyMethod ??= this.#tree(() => true);
    return this.#anyMethod;
  }

  #tree(includes: (conditions: Route['conditions']) => boolean): SegmentTree {
    return new SegmentTree(this.planned.filter(({ compiled }) => includes(compiled.route.conditions)));
  }
}

const SLASH = 47;
const NEWLINE = 10;

function compileRoutes(routes: readonly Route[], options: RouteTableOptions): CompiledRoute[] {
  const compiled: CompiledRoute[] = [];
  for (const route of routes) {
    try {
      compiled.push(new CompiledRoute(route, compiled.length, options.controllers));
    } catch (error) {
      options.refuse(route, error as Error);
    }
  }
  return compiled;
}

function compileSubDomains(options: SubDomainOptions): CompiledSubDomains {
  const { source } = translateRegex(`^(.+?)\\.${options.domainMatch}$`);
  return { enabled: options.subDomains, ignore: options.subDomainsIgnore, pattern: new RegExp(source, 'gv') };
}

/** The methods of lists; of a text, every word in it that is a method. */
function namedMethods(routes: readonly CompiledRoute[]): string[] {
  const names = new Set<string>(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
  for (const { route } of routes) {
    const method = route.conditions?.method ?? [];
    const words = typeof method === 'string' ? (method.match(/[A-Z-]+/g) ?? []) : method;
    for (const word of words) if (METHODS.includes(word) || typeof method !== 'string') names.add(word);
  }
  return [...names];
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

/** In characters: those outside of the first plane count once. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** The first route that takes path and request. `request` null: methods are not looked at. */
function linearScan(
  ranked: readonly CompiledRoute[],
  path: string,
  request: MatchRequest | null,
  subDomains: CompiledSubDomains,
): Found | null {
  for (const compiled of ranked) {
    const captured = compiled.capture(path);
    if (captured === null) continue;
    const found = acceptFound(compiled, captured, request, subDomains);
    if (found !== null) return found;
  }
  return null;
}
