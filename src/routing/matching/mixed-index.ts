/**
 * Index of segments of text and variables, `v{major}` or `{id}-x`: by the text at their start, then by the text at their end. A client could
 * choose segments that match none of them, so they are never tried one after another.
 */
import type { Step } from './segment-steps.js';

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
