/**
 * The index of a route table: a tree of path segments that returns the route of the lowest rank.
 *
 * A lookup walks the literal child first, then variables, then routes that span segments, and leaves out every subtree
 * that cannot hold a better rank than the one found. Literal text has the longest prefix and so the lowest rank: the
 * first hit is nearly always the answer. A node is visited at most once, so the table bounds the cost, not the client.
 */
import type { Captured, CompiledRoute } from './compiled-route.js';
import type { MixedSegment } from './mixed-segment.js';
import type { SegmentTest } from './pattern-facts.js';
import type { SegmentCut, SegmentPlan, Step } from './segment-plan.js';

/** A route in a tree. */
export interface Leaf {
  readonly compiled: CompiledRoute;
  readonly rank: number;
  readonly cuts: readonly SegmentCut[] | null;
}

interface VariableEdge {
  readonly test: SegmentTest;
  readonly node: Node;
}

interface MixedEdge {
  readonly mixed: MixedSegment;
  readonly node: Node;
}

/** A tree over the routes of one method. Not re-entrant, and need not be: a lookup is synchronous. */
export class SegmentTree {
  readonly #root = new Node();
  /** Where each segment of the path being looked up begins. */
  readonly #starts: number[] = [1];
  #path = '';
  #best: Leaf | null = null;
  #bestRank = Number.POSITIVE_INFINITY;
  #above = -1;

  /** `planned` in order of rank. */
  constructor(planned: Iterable<{ readonly compiled: CompiledRoute; readonly plan: SegmentPlan }>) {
    for (const { compiled, plan } of planned) {
      let node = this.#root;
      node.lowest = Math.min(node.lowest, compiled.rank);
      for (const step of plan.steps) {
        node = node.child(step);
        node.lowest = Math.min(node.lowest, compiled.rank);
      }
      (plan.cuts === null ? node.spans : node.ends).push({ compiled, rank: compiled.rank, cuts: plan.cuts });
    }
  }

  /** The route of the lowest rank above `above` that takes the path, which begins with a slash; null when none does. */
  find(path: string, above: number): Leaf | null {
    this.#path = path;
    this.#best = null;
    this.#bestRank = Number.POSITIVE_INFINITY;
    this.#above = above;
    this.#visit(this.#root, 0);
    return this.#best;
  }

  /** The values of the route that {@link find} has just returned. */
  capture(leaf: Leaf): Captured {
    const { cuts } = leaf;
    const path = this.#path;
    if (cuts === null) return leaf.compiled.capture(path)!;
    const values: (string | undefined)[] = [];
    for (const { segment, mixed } of cuts) {
      const start = this.#starts[segment]!;
      const end = this.#starts[segment + 1]! - 1;
      if (mixed === null) values.push(path.slice(start, end));
      else mixed.capture(path, start, end, values);
    }
    return values;
  }

  #visit(node: Node, depth: number): void {
    const path = this.#path;
    const start = this.#starts[depth]!;
    if (start > path.length) {
      this.#take(node.ends);
      return;
    }
    let end = path.indexOf('/', start);
    if (end < 0) end = path.length;
    this.#starts[depth + 1] = end + 1;
    if (node.literals !== null) {
      const child = node.literals.get(path.slice(start, end));
      if (child !== undefined && child.lowest < this.#bestRank) this.#visit(child, depth + 1);
    }
    if (node.mixed !== null && node.mixed.lowest < this.#bestRank) this.#visitMixed(node.mixed, start, end, depth);
    for (const edge of node.variables) {
      if (edge.node.lowest < this.#bestRank && edge.test(path, start, end)) this.#visit(edge.node, depth + 1);
    }
    for (const leaf of node.spans) {
      if (leaf.rank >= this.#bestRank) break;
      if (leaf.rank > this.#above && leaf.compiled.takes(path)) this.#accept(leaf);
    }
  }

  #visitMixed(mixed: MixedEdges, start: number, end: number, depth: number): void {
    const segment = this.#path.slice(start, end);
    if (mixed.needsDot && !segment.includes('.')) return;
    for (const length of mixed.headLengths) {
      if (length > segment.length) break;
      const edges = mixed.heads.get(segment.slice(0, length));
      if (edges === undefined) continue;
      for (const { node, mixed: segmentTest } of edges) {
        if (node.lowest >= this.#bestRank) break;
        if (segmentTest.test(this.#path, start, end)) this.#visit(node, depth + 1);
      }
    }
  }

  #take(leaves: readonly Leaf[]): void {
    for (const leaf of leaves) {
      if (leaf.rank >= this.#bestRank) return;
      if (leaf.rank > this.#above) {
        this.#accept(leaf);
        return;
      }
    }
  }

  #accept(leaf: Leaf): void {
    this.#best = leaf;
    this.#bestRank = leaf.rank;
  }
}

/** What may follow after the same segments. Routes come in order of rank, so lists stay sorted. */
class Node {
  lowest = Number.POSITIVE_INFINITY;
  literals: Map<string, Node> | null = null;
  mixed: MixedEdges | null = null;
  readonly variables: VariableEdge[] = [];
  /** Routes that end here. */
  readonly ends: Leaf[] = [];
  /** Routes whose rest is decided by the expression of the whole path. */
  readonly spans: Leaf[] = [];
  readonly #byKey = new Map<string, Node>();

  child(step: Step): Node {
    if (step.kind === 'literal') {
      this.literals ??= new Map();
      return getOrMake(this.literals, step.text, () => new Node());
    }
    return getOrMake(this.#byKey, `${step.kind} ${step.key}`, () => this.#edge(step));
  }

  #edge(step: Exclude<Step, { kind: 'literal' }>): Node {
    const node = new Node();
    if (step.kind === 'variable') {
      this.variables.push({ test: step.test, node });
    } else {
      this.mixed ??= new MixedEdges();
      this.mixed.add(step.head, { mixed: step.mixed, node }, step.dotted);
    }
    return node;
  }
}

/** Segments of text and variables, found by the text they begin with. */
class MixedEdges {
  readonly heads = new Map<string, MixedEdge[]>();
  /** The lengths of the heads, ascending. */
  headLengths: number[] = [];
  /** Every one of them has a dot: the formatted twins of a resource, which most paths are not. */
  needsDot = true;
  readonly #edges: MixedEdge[] = [];

  get lowest(): number {
    return this.#edges[0]!.node.lowest;
  }

  add(head: string, edge: MixedEdge, dotted: boolean): void {
    this.#edges.push(edge);
    getOrMake(this.heads, head, () => []).push(edge);
    this.headLengths = [...new Set([...this.heads.keys()].map((text) => text.length))].sort((a, b) => a - b);
    if (!dotted) this.needsDot = false;
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
