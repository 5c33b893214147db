/**
 * Gathers what several parts have against a configuration, so that one run tells all of it.
 */
import { type Diagnostic, inOrder } from './diagnostic.js';
import { ConfigurationRefused } from './errors.js';

/** Mistakes that a configuration is refused for. */
export class Refusals {
  #refusals: readonly ConfigurationRefused[] = [];

  get any(): boolean {
    return this.#refusals.length > 0;
  }

  /** In the order in which they were met. */
  protected get all(): readonly ConfigurationRefused[] {
    return this.#refusals;
  }

  /** All mistakes. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#refusals.flatMap(({ diagnostics }) => diagnostics);
  }

  /** Keeps a refusal. Throws any other error. */
  note(error: unknown): void {
    if (!(error instanceof ConfigurationRefused)) throw error;
    this.#refusals = [...this.#refusals, error];
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

  /** All of them as one, a single refusal as it is; undefined where there are none. */
  get refusal(): ConfigurationRefused | undefined {
    const [first, ...others] = this.#refusals;
    if (first === undefined || others.every((each) => each.describe() === first.describe())) return first;
    const blames = this.#refusals.some((each) => each.blamesConfiguration);
    return severalRefusals(this.diagnostics, { blames, cause: first.cause });
  }

  /** Throws it, if there is one. */
  refuse(): void {
    const { refusal } = this;
    if (refusal !== undefined) throw refusal;
  }
}

/** One refusal of several mistakes, each once, by place. `blames`: not only code that the configuration names has failed. */
export function severalRefusals(
  diagnostics: readonly Diagnostic[],
  { blames = true, cause }: { readonly blames?: boolean; readonly cause?: unknown } = {},
): ConfigurationRefused {
  const details = { diagnostics: inOrder(diagnostics), cause };
  const refusal = new ConfigurationRefused('PORTICO_CONFIGURATION_REFUSED', details);
  return blames ? refusal : Object.defineProperty(refusal, 'blamesConfiguration', { value: false });
}

/** Those that a whole judgement has not told: of a place in a file it says more than what was met there first. */
export function untold(whole: readonly Diagnostic[], others: readonly Diagnostic[]): Diagnostic[] {
  const places = new Set(whole.flatMap(({ place }) => (place?.origin === undefined ? [] : [place.detail])));
  return others.filter(({ severity, place }) => severity === 'warning' || !places.has(place?.detail ?? ''));
}

/** Runs all steps, and gives what each of them gave. Throws what they refuse as one; any other error at once. */
export function gatherRefusals<T extends readonly unknown[]>(...steps: { [K in keyof T]: () => T[K] }): T {
  const refusals = new Refusals();
  const results = steps.map((step) => {
    try {
      return step();
    } catch (error) {
      refusals.note(error);
      return undefined;
    }
  });
  refusals.refuse();
  return results as unknown as T;
}
