/** A compiled route table: the order in which routes are tried, and the index that finds the first match. */
import { METHODS } from 'node:http';
import { acceptsMethod, type MatchRequest, type SubDomainOptions, subDomainReader } from '../route/conditions.js';
import type { Route } from '../route/route.js';
import { type Captured, CompiledRoute, Found } from './compiled-route.js';
import type { Segment } from './segments.js';

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
  /** Of all routes, and by method that a route names. */
  readonly #all: SegmentTree;
  readonly #byMethod: ReadonlyMap<string | null, SegmentTree>;

  constructor(routes: readonly Route[], options: RouteTableOptions) {
    this.#subDomainOf = subDomainReader(options);
    this.routes = compileRoutes(routes, options);
    this.ranked = [...this.routes].sort((a, b) => lengthOf(b.prefix) - lengthOf(a.prefix) || a.index - b.index);
    for (const [rank, compiled] of this.ranked.entries()) compiled.rank = rank;
    const named = namedMethods(this.routes);
    this.methods = [...new Set([...USUAL, ...named])];
    this.#all = new SegmentTree(this.ranked);
    this.#byMethod = new Map(
      [...named].map((method) => [
        method,
        new SegmentTree(this.ranked.filter(({ route }) => acceptsMethod(route.conditions, method))),
      ]),
    );
  }

  /** Returns the first route for path and method. `method` null: methods are not checked. `request`: for the other conditions. */
  find(method: string | null, path: string, request: MatchRequest | null): Found | null {
    const asked = request ?? (method === null ? null : { method });
    if (path.charCodeAt(0) !== SLASH || path.charCodeAt(path.length - 1) === NEWLINE) return this.scan(path, asked);
    const tree = this.#byMethod.get(method);
    for (let above = -1; ; ) {
      const found = tree === undefined ? this.#all.find(path, above, method) : tree.find(path, above, null);
      if (found === null) return null;
      const { compiled, captured } = found;
      if (!compiled.conditional && this.#subDomainOf === undefined) return found;
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

// Index of a route table: a tree of path segments that returns the route with the lowest rank.
//
// A lookup visits the child of a segment's text first, then the one of all segments with variables, and skips every subtree that cannot
// contain a better rank than the one found. Literal text has the longest prefix and so the lowest rank: the first hit is nearly always the
// result. A node is visited at most once, so the table limits the cost, not the client.

/** A tree over routes, which are added in the order of their rank. Not re-entrant, because a lookup is synchronous. */
export class SegmentTree {
  readonly #root = new Node(0);
  /** Start of each segment of the current path. */
  readonly #starts: number[] = [1];
  #method: string | null = null;
  #path = '';
  #best: CompiledRoute | null = null;
  #captured: Captured | null = null;
  #bestRank = Number.POSITIVE_INFINITY;
  #above = -1;

  constructor(ranked: Iterable<CompiledRoute> = []) {
    for (const compiled of ranked) this.add(compiled);
  }

  add(compiled: CompiledRoute): void {
    let node = this.#root;
    for (const segment of compiled.segments) node = node.child(segment, compiled.rank);
    node.end(compiled);
  }

  /** Returns the match with the lowest rank above `above` of a path, which begins with a slash, and a method, unless that is null. */
  find(path: string, above: number, method: string | null): Found | null {
    this.#method = method;
    this.#path = path;
    this.#best = null;
    this.#bestRank = Number.POSITIVE_INFINITY;
    this.#above = above;
    this.#visit(this.#root, 0);
    const best = this.#best as CompiledRoute | null;
    return best === null ? null : new Found(best, this.#captured!, undefined);
  }

  /** Returns the routes whose segments may match every path of one, and may go on after it. */
  along({ segments }: CompiledRoute): CompiledRoute[] {
    const found: CompiledRoute[] = [];
    const collect = (node: Node | undefined, at: number): void => {
      if (node === undefined) return;
      found.push(...(node.spans ?? []), ...((at === segments.length ? node.ends : undefined) ?? []));
      if (at === segments.length) return;
      const { text } = segments[at]!;
      if (text !== undefined) collect(node.literals?.get(text), at + 1);
      collect(node.wild, at + 1);
    };
    collect(this.#root, 0);
    return found;
  }

  #visit(node: Node, depth: number): void {
    if (node.lowest >= this.#bestRank) return;
    const path = this.#path;
    const start = this.#starts[depth]!;
    if (start <= path.length) {
      let end = path.indexOf('/', start);
      if (end < 0) end = path.length;
      this.#starts[depth + 1] = end + 1;
      const literal = node.literals?.get(path.slice(start, end));
      if (literal !== undefined) this.#visit(literal, depth + 1);
      if (node.wild !== undefined) this.#visit(node.wild, depth + 1);
    } else if (node.ends !== undefined) this.#take(node.ends);
    if (node.spans !== undefined) this.#take(node.spans);
  }

  /** Takes the first route above that matches, if its rank is lower than that of the best one. */
  #take(routes: readonly CompiledRoute[]): void {
    for (const route of routes) {
      if (route.rank <= this.#above) continue;
      if (route.rank >= this.#bestRank) return;
      if (this.#method !== null && !acceptsMethod(route.route.conditions, this.#method)) continue;
      const captured = route.captureAt(this.#path, this.#starts);
      if (captured === null) continue;
      this.#best = route;
      this.#captured = captured;
      this.#bestRank = route.rank;
      return;
    }
  }
}

/** Continuations of the same segments. */
class Node {
  /** Rank of the first route that passes through this node. */
  readonly lowest: number;
  literals: Map<string, Node> | undefined;
  /** Of all segments with variables. */
  wild: Node | undefined;
  /** Routes that end here. */
  ends: CompiledRoute[] | undefined;
  /** Routes whose rest is decided by the expression of the whole path. */
  spans: CompiledRoute[] | undefined;

  constructor(lowest: number) {
    this.lowest = lowest;
  }

  /** Adds a route that ends here, or whose rest its expression decides. */
  end(compiled: CompiledRoute): void {
    const place = compiled.isWhole ? 'ends' : 'spans';
    this[place] ??= [];
    this[place].push(compiled);
  }

  /** `rank`: that of the passing route. */
  child({ text }: Segment, rank: number): Node {
    if (text === undefined) {
      this.wild ??= new Node(rank);
      return this.wild;
    }
    this.literals ??= new Map();
    const node = this.literals.get(text) ?? new Node(rank);
    this.literals.set(text, node);
    return node;
  }
}
