/** A compiled route table: the order in which routes are tried, and the trees that find the first match. */
import { METHODS } from 'node:http';
import { acceptsMethod, type MatchRequest, type SubDomainOptions, subDomainReader } from '../route/conditions.js';
import type { Route } from '../route/route.js';
import { CompiledRoute, type Found } from './compiled-route.js';
import { SegmentTree } from './segment-tree.js';

/** Options of a table. */
export interface RouteTableOptions extends SubDomainOptions {
  /** Values of a variable named `controller`. */
  readonly controllers: readonly string[];
  /** Called with a route that does not compile; it throws, or collects the error and lets the others continue. */
  readonly refuse: (route: Route, error: Error) => void;
}

/** A table of routes. Immutable. */
export class RouteTable {
  /** In the order of definition. */
  readonly routes: readonly CompiledRoute[];
  /** In the order in which they are tried: the longest literal prefix first, then the order of definition. */
  readonly ranked: readonly CompiledRoute[];
  /** Methods that routes name. */
  readonly methods: readonly string[];
  readonly #subDomainOf: ((request: MatchRequest | null) => string | null) | undefined;
  /** By method that a route names. */
  readonly #byMethod: ReadonlyMap<string | null, SegmentTree>;
  /** For other methods: routes without a method condition, or with one that is a text. */
  readonly #otherMethods: SegmentTree;
  #anyMethod: SegmentTree | undefined;

  constructor(routes: readonly Route[], options: RouteTableOptions) {
    this.#subDomainOf = subDomainReader(options);
    this.routes = compileRoutes(routes, options);
    this.ranked = [...this.routes].sort((a, b) => lengthOf(b.prefix) - lengthOf(a.prefix) || a.index - b.index);
    for (const [rank, compiled] of this.ranked.entries()) compiled.rank = rank;
    const named = namedMethods(this.routes);
    this.methods = [...new Set([...USUAL, ...named])];
    const treeOf = (includes: (conditions: Route['conditions']) => boolean): SegmentTree =>
      new SegmentTree(this.ranked.filter(({ route }) => includes(route.conditions)));
    this.#byMethod = new Map(
      [...named].map((method) => [method, treeOf((conditions) => acceptsMethod(conditions, method))]),
    );
    this.#otherMethods = treeOf((conditions) => typeof (conditions?.method ?? '') === 'string');
  }

  /** Returns the first route for path and method. `method` null: methods are not checked. `request`: for the other conditions. */
  find(method: string | null, path: string, request: MatchRequest | null): Found | null {
    const asked = request ?? (method === null ? null : { method });
    if (path.charCodeAt(0) !== SLASH || path.charCodeAt(path.length - 1) === NEWLINE) return this.scan(path, asked);
    if (method === null) this.#anyMethod ??= new SegmentTree(this.ranked);
    const known = method === null ? this.#anyMethod : this.#byMethod.get(method);
    const tree = known ?? this.#otherMethods;
    for (let above = -1; ; ) {
      const found = tree.find(path, above);
      if (found === null) return null;
      const { compiled, captured } = found;
      if (known !== undefined && !compiled.conditional && this.#subDomainOf === undefined) return found;
      const answer = compiled.answer(captured, asked, this.#subDomainOf);
      if (answer !== null) return answer;
      above = compiled.rank;
    }
  }

  /** As {@link find}, without the index. `request` null: methods are not checked. */
  scan(path: string, request: MatchRequest | null): Found | null {
    for (const compiled of this.ranked) {
      const captured = compiled.capture(path);
      const found = captured === null ? null : compiled.answer(captured, request, this.#subDomainOf);
      if (found !== null) return found;
    }
    return null;
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

const USUAL = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Returns the methods of lists; of a text, every word in capitals that is a method. */
function namedMethods(routes: readonly CompiledRoute[]): ReadonlySet<string> {
  const names = routes.flatMap(({ route: { conditions } }) => {
    const method = conditions?.method ?? [];
    return typeof method === 'string'
      ? (method.match(/[A-Z-]+/g) ?? []).filter((word) => METHODS.includes(word))
      : method;
  });
  return new Set(names);
}

/** Returns the length in characters: those outside of the BMP count once. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
