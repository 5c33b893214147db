/**
 * A tree of path segments that returns the route with the lowest rank.
 *
 * A lookup visits the child of a segment's text first, then those with variables, and skips every subtree that cannot contain a better rank
 * than the one found. Literal text has the longest prefix and so the lowest rank: the first hit is nearly always the result. A node is
 * visited at most once, so the table limits the cost, not the client.
 */
import { type Captured, type CompiledRoute, Found } from './compiled-route.js';
import { covers, type Segment } from './segments.js';

/** A tree over routes, which are added in the order of their rank. Not re-entrant, because a lookup is synchronous. */
export class SegmentTree {
  readonly #root = new Node(0);
  /** Start of each segment of the current path. */
  readonly #starts: number[] = [1];
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

  /** Returns the match with the lowest rank above `above` of a path, which begins with a slash. */
  find(path: string, above: number): Found | null {
    this.#path = path;
    this.#best = null;
    this.#bestRank = Number.POSITIVE_INFINITY;
    this.#above = above;
    this.#visit(this.#root, 0);
    const best = this.#best as CompiledRoute | null;
    return best === null ? null : new Found(best, this.#captured!, undefined);
  }

  /** Returns the routes whose segments match those of every path of one, and which may go on after them. */
  along({ segments, tail }: CompiledRoute): CompiledRoute[] {
    const found: CompiledRoute[] = [];
    const collect = (node: Node, at: number): void => {
      for (const each of new Set(['', tail])) found.push(...(node.spans?.of('', each) ?? []));
      const segment = segments[at];
      if (segment === undefined) found.push(...(node.ends ?? []));
      else for (const child of node.covering(segment)) collect(child, at + 1);
    };
    collect(this.#root, 0);
    return found;
  }

  #visit(node: Node, depth: number): void {
    const path = this.#path;
    const start = this.#starts[depth]!;
    const { literals, variables, mixed, spans, ends } = node;
    if (start > path.length) {
      if (ends !== undefined) this.#take(ends);
      return;
    }
    let end = path.indexOf('/', start);
    if (end < 0) end = path.length;
    this.#starts[depth + 1] = end + 1;
    const literal = literals?.get(path.slice(start, end));
    if (literal !== undefined && literal.lowest < this.#bestRank) this.#visit(literal, depth + 1);
    if (mixed !== undefined) {
      for (const list of mixed.along(path, start, end)) {
        for (const { node: child } of list) if (child.lowest < this.#bestRank) this.#visit(child, depth + 1);
      }
    }
    if (variables !== undefined) {
      for (const { segment, node: child } of variables) {
        if (child.lowest < this.#bestRank && segment.takes(path, start, end)) this.#visit(child, depth + 1);
      }
    }
    if (spans !== undefined) for (const routes of spans.along(path, 0, path.length)) this.#take(routes);
  }

  /** Takes the first route above that matches, if its rank is lower than that of the best one. */
  #take(routes: readonly CompiledRoute[]): void {
    for (const route of routes) {
      if (route.rank <= this.#above) continue;
      if (route.rank >= this.#bestRank) return;
      const captured = route.captureAt(this.#path, this.#starts);
      if (captured === null) continue;
      this.#best = route;
      this.#captured = captured;
      this.#bestRank = route.rank;
      return;
    }
  }
}

/** A segment with variables, and its continuations. */
interface Edge {
  readonly segment: Segment;
  readonly node: Node;
}

/** Continuations of the same segments. */
class Node {
  /** Rank of the first route that passes through this node. */
  readonly lowest: number;
  literals: Map<string, Node> | undefined;
  /** By each segment that is a variable. */
  variables: Edge[] | undefined;
  /** By each segment of text and variables; the expression of the whole path decides whether it matches. */
  mixed: TextIndex<Edge> | undefined;
  /** Routes that end here. */
  ends: CompiledRoute[] | undefined;
  /** Routes whose rest is decided by the expression of the whole path. */
  spans: TextIndex<CompiledRoute> | undefined;

  constructor(lowest: number) {
    this.lowest = lowest;
  }

  /** Adds a route that ends here, or whose rest its expression decides. */
  end(compiled: CompiledRoute): void {
    if (compiled.isWhole) {
      this.ends ??= [];
      this.ends.push(compiled);
    } else {
      this.spans ??= new TextIndex();
      this.spans.add(compiled, '', compiled.tail, false);
    }
  }

  /** `rank`: that of the passing route. */
  child(segment: Segment, rank: number): Node {
    const { text, variable, head, tail, isDotted } = segment;
    if (text !== undefined) {
      this.literals ??= new Map();
      const child = this.literals.get(text) ?? new Node(rank);
      this.literals.set(text, child);
      return child;
    }
    const alike = variable === undefined ? this.mixed?.of(head, tail) : this.variables;
    const known = alike?.find((edge) => edge.segment.pattern === segment.pattern);
    if (known !== undefined) return known.node;
    const edge: Edge = { segment, node: new Node(rank) };
    if (variable === undefined) {
      this.mixed ??= new TextIndex();
      this.mixed.add(edge, head, tail, isDotted);
    } else {
      this.variables ??= [];
      this.variables.push(edge);
    }
    return edge.node;
  }

  /** Returns the children whose segment matches whatever another one does. */
  covering(segment: Segment): Node[] {
    const { text, head, tail } = segment;
    const literal = text === undefined ? undefined : this.literals?.get(text);
    const mixed = text === undefined ? this.mixed?.of(head, tail) : this.mixed?.along(text, 0, text.length).flat();
    const edges = [...(this.variables ?? []), ...(mixed ?? [])].filter((edge) => covers(edge.segment, segment));
    return [...(literal === undefined ? [] : [literal]), ...edges.map(({ node }) => node)];
  }
}

/**
 * Elements by the texts that what they match begins and ends with. A client could choose paths that match none of them, so they are never
 * tried one after another.
 */
class TextIndex<T> {
  /** By the lengths of the two texts, then by the texts. */
  readonly #lists: { readonly head: number; readonly tail: number; readonly byText: Map<string, T[]> }[] = [];
  /** True if every one of them needs a dot: the formatted routes of a resource, which most paths do not match. */
  #needsDot = true;

  add(element: T, head: string, tail: string, isDotted: boolean): void {
    this.#needsDot &&= isDotted;
    const present = this.#of(head, tail);
    const byText = present ?? new Map<string, T[]>();
    if (present === undefined) this.#lists.push({ head: head.length, tail: tail.length, byText });
    const list = byText.get(head + tail) ?? [];
    list.push(element);
    byText.set(head + tail, list);
  }

  /** Returns the elements with these texts, in the order in which they were added. */
  of(head: string, tail: string): readonly T[] {
    return this.#of(head, tail)?.get(head + tail) ?? [];
  }

  #of(head: string, tail: string): Map<string, T[]> | undefined {
    return this.#lists.find((each) => each.head === head.length && each.tail === tail.length)?.byText;
  }

  /** Returns lists of the elements that a part of a path begins and ends like. */
  along(path: string, start: number, end: number): readonly (readonly T[])[] {
    const found: T[][] = [];
    if (this.#needsDot) {
      const dot = path.indexOf('.', start);
      if (dot < 0 || dot >= end) return found;
    }
    for (const { head, tail, byText } of this.#lists) {
      if (start + head + tail > end) continue;
      const list = byText.get(path.slice(start, start + head) + path.slice(end - tail, end));
      if (list !== undefined) found.push(list);
    }
    return found;
  }
}
