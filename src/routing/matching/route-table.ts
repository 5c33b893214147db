/** A compiled route table: the order in which routes are tried, and the index that finds the first match. */
import { METHODS } from 'node:http';
import { acceptsMethod, type MatchRequest, type SubDomainOptions, subDomainReader } from '../route/conditions.js';
import type { Route } from '../route/route.js';
import { CompiledRoute, Found, Table } from './compiled-route.js';
import { type PlannedRoute, planRoute, type SegmentTest, type Step, textAtEnd } from './segment-steps.js';

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
  /** {@link ranked}, with the steps of their lookup. */
  readonly planned: readonly PlannedRoute[];
  readonly #subDomainOf: ((request: MatchRequest | null) => string | null) | undefined;
  /** By method that a route names. */
  readonly #trees = new Map<string, SegmentTree>();
  /** For others: routes without a method condition, or with one that is a text. */
  readonly #otherMethods: SegmentTree;
  #anyMethod: SegmentTree | undefined;

  constructor(routes: readonly Route[], options: RouteTableOptions) {
    this.#subDomainOf = subDomainReader(options);
    this.routes = compileRoutes(routes, options);
    this.ranked = [...this.routes].sort((a, b) => lengthOf(b.prefix) - lengthOf(a.prefix) || a.index - b.index);
    for (const [rank, compiled] of this.ranked.entries()) compiled.rank = rank;
    this.planned = this.ranked.map(planRoute);
    const named = namedMethods(this.routes);
    this.methods = [...new Set([...USUAL, ...named])];
    for (const method of named) {
      this.#trees.set(
        method,
        this.#tree((conditions) => acceptsMethod(conditions, method)),
      );
    }
    this.#otherMethods = this.#tree((conditions) => typeof (conditions?.method ?? '') === 'string');
  }

  /** Returns the first route for path and method. `method` null: methods are not checked. `request`: for the other conditions. */
  find(method: string | null, path: string, request: MatchRequest | null): Found | null {
    if (path.charCodeAt(0) !== SLASH || path.charCodeAt(path.length - 1) === NEWLINE) {
      return this.scan(path, request ?? (method === null ? null : { method }));
    }
    const known = method === null ? this.#forAny() : this.#trees.get(method);
    const tree = known ?? this.#otherMethods;
    for (let above = -1; ; ) {
      const found = tree.find(path, above);
      if (found === null) return null;
      const { compiled, captured } = found;
      if (known !== undefined && !compiled.conditional && this.#subDomainOf === undefined) return found;
      const asked = request ?? (method === null ? null : { method });
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
// A lookup visits the literal child first, then variables, then routes that span segments, and skips every subtree that cannot contain a
// better rank than the one found. Literal text has the longest prefix and so the lowest rank: the first hit is nearly always the result. A
// node is visited at most once, so the table limits the cost, not the client.

/** A tree over the routes of one method. Not re-entrant, because a lookup is synchronous. */
class SegmentTree {
  readonly #root = new Node(0);
  /** Start of each segment of the current path. */
  readonly #starts: number[] = [1];
  /** By depth: the segment of text and variables that was last read, and its values. */
  readonly #reads: { readonly key: string; readonly values: readonly (string | undefined)[] }[] = [];
  #path = '';
  #best: PlannedRoute | null = null;
  #bestRank = Number.POSITIVE_INFINITY;
  #above = -1;

  /** `planned` in order of rank. */
  constructor(planned: Iterable<PlannedRoute>) {
    for (const route of planned) {
      let node = this.#root;
      for (const step of route.steps) node = node.child(step, route.compiled.rank);
      node.add(route);
    }
  }

  /** Returns the match with the lowest rank above `above` of the path, which begins with a slash; null if there is none. */
  find(path: string, above: number): Found | null {
    this.#path = path;
    if (this.#reads.length > 0) this.#reads.length = 0;
    this.#best = null;
    this.#bestRank = Number.POSITIVE_INFINITY;
    this.#above = above;
    this.#visit(this.#root, 0);
    const best = this.#best as PlannedRoute | null;
    if (best === null) return null;
    const { compiled, values, isWhole } = best;
    if (!isWhole) return new Found(compiled, compiled.capture(path)!, undefined);
    const { names } = compiled;
    const captured = new Table();
    let place = 0;
    for (const { at, step } of values) {
      const start = this.#starts[at]!;
      const end = this.#starts[at + 1]! - 1;
      if (step.kind === 'variable') captured[names[place++]!] = path.slice(start, end);
      else {
        const read = this.#reads[at];
        const found = read?.key === step.key ? read.values : step.read(path, start, end)!;
        for (const value of found) {
          if (value !== undefined) captured[names[place]!] = value;
          place++;
        }
      }
    }
    return new Found(compiled, captured, undefined);
  }

  /** Follows the only way, or the last of several, in the loop; the others by a call. */
  #visit(from: Node, at: number): void {
    const path = this.#path;
    let node: Node | undefined = from;
    for (let depth = at; node !== undefined && node.lowest < this.#bestRank; depth++) {
      const start = this.#starts[depth]!;
      if (start > path.length) {
        this.#takeFirst(node.ends);
        return;
      }
      let end = path.indexOf('/', start);
      if (end < 0) end = path.length;
      this.#starts[depth + 1] = end + 1;
      const { literals, variables, spanTails }: Node = node;
      let next: Node | undefined = literals.size === 0 ? undefined : literals.get(path.slice(start, end));
      if (node.lowestMixed < this.#bestRank) {
        if (next !== undefined) this.#visit(next, depth + 1);
        next = undefined;
        this.#visitMixed(node.mixed!, start, end, depth);
      }
      for (const { test, node: child } of variables) {
        if (child.lowest >= this.#bestRank || !test(path, start, end)) continue;
        if (next !== undefined) this.#visit(next, depth + 1);
        next = child;
      }
      if (spanTails.length > 0) {
        if (next !== undefined) this.#visit(next, depth + 1);
        next = undefined;
        this.#takeSpans(node);
      }
      node = next;
    }
  }

  /** Takes the first route above that matches, if its rank is lower than that of the best one. */
  #takeFirst(routes: readonly PlannedRoute[]): void {
    for (let index = this.#above < 0 ? 0 : firstAbove(routes, this.#above); index < routes.length; index++) {
      const route = routes[index]!;
      const { rank } = route.compiled;
      if (rank >= this.#bestRank) return;
      if (!(route.isWhole || route.compiled.takes(this.#path))) continue;
      this.#best = route;
      this.#bestRank = rank;
      return;
    }
  }

  #takeSpans({ spans, spanTails }: Node): void {
    const path = this.#path;
    for (const length of spanTails) {
      if (length > path.length) return;
      const routes = spans.get(path.slice(path.length - length));
      if (routes !== undefined) this.#takeFirst(routes);
    }
  }

  #visitMixed(mixed: MixedIndex<MixedEdge>, start: number, end: number, depth: number): void {
    const path = this.#path;
    for (const { step, node } of mixed.along(path, start, end)) {
      if (node.lowest >= this.#bestRank) continue;
      const values = step.read(path, start, end);
      if (values === null) continue;
      this.#reads[depth] = { key: step.key, values };
      this.#visit(node, depth + 1);
    }
  }
}

/** Returns the index of the first route with a rank above; a path with many conditions is searched once for each that refuses. */
function firstAbove(routes: readonly PlannedRoute[], above: number): number {
  let low = 0;
  for (let high = routes.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (routes[middle]!.compiled.rank > above) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Shared by nodes that have none. */
const NO_NODES: ReadonlyMap<string, Node> = new Map();
const NO_SPANS: ReadonlyMap<string, readonly PlannedRoute[]> = new Map();
const NO_LIST: readonly never[] = [];

// The index of segments of text and variables, `v{major}` or `{id}-x`: by the text at their start, then by the text at their end. A client
// could choose segments that match none of them, so they are never tried one after another.

/** A segment of text and variables. */
interface MixedEdge {
  readonly step: MixedStep;
  readonly node: Node;
}

/** Continuations of the same segments. Routes are added in order of rank, so lists are sorted. */
class Node {
  /** Rank of the first route that passes through this node. */
  readonly lowest: number;
  literals = NO_NODES;
  /** Segments of text and variables. */
  mixed: MixedIndex<MixedEdge> | undefined;
  /** Rank of the first route that passes through one of them. */
  lowestMixed = Number.POSITIVE_INFINITY;
  variables: readonly { readonly key: string; readonly test: SegmentTest; readonly node: Node }[] = NO_LIST;
  /** Routes that end here. */
  ends: readonly PlannedRoute[] = NO_LIST;
  /** Routes whose rest is decided by the expression of the whole path, by the text at their end. */
  spans = NO_SPANS;
  /** Lengths of these texts, ascending. */
  spanTails: readonly number[] = NO_LIST;

  constructor(lowest: number) {
    this.lowest = lowest;
  }

  /** Adds a route that ends here, or whose rest the expression decides. */
  add(route: PlannedRoute): void {
    if (!route.isWhole) this.#addSpan(route);
    else if (this.ends === NO_LIST) this.ends = [route];
    else (this.ends as PlannedRoute[]).push(route);
  }

  #addSpan(route: PlannedRoute): void {
    const { parts, minimize } = route.compiled.source;
    // With minimization the text at the end may be absent.
    const tail = minimize ? '' : textAtEnd(parts);
    if (this.spans === NO_SPANS) this.spans = new Map();
    const present = this.spans.get(tail);
    if (present !== undefined) (present as PlannedRoute[]).push(route);
    else {
      (this.spans as Map<string, readonly PlannedRoute[]>).set(tail, [route]);
      this.spanTails = withLength(this.spanTails, tail.length);
    }
  }

  /** `rank`: that of the passing route. */
  child(step: Step, rank: number): Node {
    const known = this.#known(step);
    if (known !== undefined) return known;
    const node = new Node(rank);
    if (step.kind === 'literal') {
      if (this.literals === NO_NODES) this.literals = new Map();
      (this.literals as Map<string, Node>).set(step.text, node);
    } else if (step.kind === 'variable') {
      const { key, test } = step;
      this.variables = [...this.variables, { key, test, node }];
    } else {
      this.mixed ??= new MixedIndex();
      this.mixed.add({ step, node });
      this.lowestMixed = Math.min(this.lowestMixed, rank);
    }
    return node;
  }

  #known(step: Step): Node | undefined {
    if (step.kind === 'literal') return this.literals.get(step.text);
    if (step.kind === 'variable') return this.variables.find(({ key }) => key === step.key)?.node;
    return this.mixed?.get(step)?.node;
  }
}

/** A segment of text and variables. */
export type MixedStep = Extract<Step, { kind: 'mixed' }>;

/** Elements by their steps; those with equal texts are in the order in which they were added. */
export class MixedIndex<T extends { readonly step: MixedStep }> {
  readonly #heads = new Map<string, Tails<T>>();
  /** Lengths of the texts at the start, ascending. */
  #lengths: readonly number[] = [];
  /** True if every one of them has a dot: the formatted routes of a resource, which most paths do not match. */
  #needsDot = true;

  /** Returns the element with a step of the same key; undefined if there is none. */
  get({ key, head, tail }: MixedStep): T | undefined {
    return this.#heads
      .get(head)
      ?.byTail.get(tail)
      ?.find(({ step }) => step.key === key);
  }

  add(element: T): void {
    const { head, tail, dotted } = element.step;
    let tails = this.#heads.get(head);
    if (tails === undefined) {
      tails = { byTail: new Map(), lengths: [] };
      this.#heads.set(head, tails);
      this.#lengths = withLength(this.#lengths, head.length);
    }
    const present = tails.byTail.get(tail);
    if (present !== undefined) present.push(element);
    else {
      tails.byTail.set(tail, [element]);
      tails.lengths = withLength(tails.lengths, tail.length);
    }
    this.#needsDot &&= dotted;
  }

  /** Returns the elements that a segment, given by its position in a path, begins and ends like. */
  along(path: string, start: number, end: number): readonly T[] {
    if (this.#needsDot) {
      const dot = path.indexOf('.', start);
      if (dot < 0 || dot >= end) return NONE;
    }
    let found: readonly T[] = NONE;
    for (const headLength of this.#lengths) {
      if (start + headLength > end) break;
      const tails = this.#heads.get(path.slice(start, start + headLength));
      if (tails === undefined) continue;
      for (const tailLength of tails.lengths) {
        if (end - tailLength < start) break;
        const elements = tails.byTail.get(path.slice(end - tailLength, end));
        if (elements !== undefined) found = found.length === 0 ? elements : [...found, ...elements];
      }
    }
    return found;
  }
}

const NONE: readonly never[] = [];

/** Elements with the same text at their start. */
interface Tails<T> {
  readonly byTail: Map<string, T[]>;
  /** Lengths of the texts at the end, ascending. */
  lengths: readonly number[];
}

/** Returns ascending lengths with another one. */
export function withLength(lengths: readonly number[], length: number): readonly number[] {
  return lengths.includes(length) ? lengths : [...lengths, length].sort((a, b) => a - b);
}
