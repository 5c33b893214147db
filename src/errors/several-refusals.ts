/**
 * One refusal of everything that several parts have against a configuration, so that one run tells all of it.
 */
import { ConfigurationRefused } from './errors.js';

/** What several parts refused a configuration for. */
export class SeveralRefusals extends ConfigurationRefused {
  readonly refusals: readonly ConfigurationRefused[];

  constructor(texts: readonly string[], refusals: readonly ConfigurationRefused[]) {
    super('PORTICO_CONFIGURATION_REFUSED', { message: texts.join('\n') });
    this.refusals = refusals;
  }
}

/** An error, or all the refusals that it stands for. */
export function refusalsOf(error: unknown): readonly unknown[] {
  return error instanceof SeveralRefusals ? error.refusals : [error];
}

/**
 * One refusal with all of them, each mistake once, by place; `texts`: mistakes that are told already. A single refusal is
 * given as it is. Undefined where there is nothing.
 */
export function allInOne(
  refusals: readonly ConfigurationRefused[],
  texts: readonly string[] = [],
): ConfigurationRefused | undefined {
  const told = new Map(refusals.map((refusal) => [refusal.describe(), refusal]));
  const [first] = told.values();
  if (told.size === 1 && texts.length === 0) return first;
  const mistakes = byPlace(mistakesOf([...told.keys(), ...texts]));
  return mistakes.length === 0 ? undefined : new SeveralRefusals(mistakes, [...told.values()]);
}

/** Gathers refusals, so that the first hides none of the others. */
export class Refusals {
  #all: ConfigurationRefused[] = [];

  get all(): readonly ConfigurationRefused[] {
    return this.#all;
  }

  /** Keeps a refusal. Throws what is none. */
  note(error: unknown): void {
    for (const each of refusalsOf(error)) {
      if (!(each instanceof ConfigurationRefused)) throw error;
      this.#all.push(each);
    }
  }

  /** Runs a step; a refusal is kept and gives undefined. Any other error goes on. */
  async gather<T>(step: () => T | PromiseLike<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  /** Throws all of them as one, if there are any. */
  refuse(): void {
    const refusal = allInOne(this.#all);
    if (refusal !== undefined) throw refusal;
  }

  /** Lets go of those that are told otherwise. */
  drop(told: (refusal: ConfigurationRefused) => boolean): void {
    this.#all = this.#all.filter((refusal) => !told(refusal));
  }
}

/** Runs all steps, and gives what each of them gave. Throws what they refuse as one; any other error at once. */
export function gatherRefusals<T extends readonly unknown[]>(...steps: { [K in keyof T]: () => T[K] }): T {
  const refusals = new Refusals();
  const given = steps.map((step) => {
    try {
      return step();
    } catch (error) {
      refusals.note(error);
      return undefined;
    }
  });
  refusals.refuse();
  return given as unknown as T;
}

/** The mistakes that texts tell, each once: one begins with each line that is not indented. */
export function mistakesOf(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => text.split(/\n(?!\s)/)))];
}

/** Files as they come first, each by line and column; what stands in no file stays in front. */
function byPlace(texts: readonly string[]): string[] {
  const placed = texts.map((text) => {
    const [, file = '', line, column] = /^(\S+?):(\d+):(\d+): /.exec(text) ?? [];
    return { text, file, line: Number(line ?? 0), column: Number(column ?? 0) };
  });
  const files = ['', ...new Set(placed.map(({ file }) => file))];
  return placed
    .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column)
    .map(({ text }) => text);
}
