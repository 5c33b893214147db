/** Collects the refusals of several parts of a configuration, so that one run reports them all. */
import { type Diagnostic, inOrder } from './diagnostic.js';
import { ConfigurationRefused } from './errors.js';

/** Refusals of a configuration. */
export class Refusals {
  #refusals: readonly ConfigurationRefused[] = [];

  get any(): boolean {
    return this.#refusals.length > 0;
  }

  /** The refusals in the order of their occurrence. */
  protected get all(): readonly ConfigurationRefused[] {
    return this.#refusals;
  }

  /** The diagnostics of all refusals. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#refusals.flatMap(({ diagnostics }) => diagnostics);
  }

  /** Keeps a refusal. Throws any other error. */
  note(error: unknown): void {
    if (!(error instanceof ConfigurationRefused)) throw error;
    this.#refusals = [...this.#refusals, error];
  }

  /** Runs a step and returns its result. Keeps a refusal and returns undefined; rethrows any other error. */
  async gather<T>(step: () => T | PromiseLike<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  /** One error for all refusals; a single refusal unchanged; undefined if there are none. */
  get refusal(): ConfigurationRefused | undefined {
    const [first, ...others] = this.#refusals;
    if (first === undefined || others.every((each) => each.describe() === first.describe())) return first;
    const blames = this.#refusals.some((each) => each.blamesConfiguration);
    return severalRefusals(this.diagnostics, { blames, cause: first.cause });
  }

  /** Throws {@link refusal}, if there is one. */
  refuse(): void {
    const { refusal } = this;
    if (refusal !== undefined) throw refusal;
  }
}

/**
 * Returns one error for several diagnostics, sorted, without duplicates. `blames`: false if only code named by the configuration failed.
 */
export function severalRefusals(
  diagnostics: readonly Diagnostic[],
  { blames = true, cause }: { readonly blames?: boolean; readonly cause?: unknown } = {},
): ConfigurationRefused {
  const details = { diagnostics: inOrder(diagnostics), cause };
  const refusal = new ConfigurationRefused('PORTICO_CONFIGURATION_REFUSED', details);
  return blames ? refusal : Object.defineProperty(refusal, 'blamesConfiguration', { value: false });
}

/** Throws an error unless it refuses a configuration: another check reports the refusal. */
export function refusalsOnly(error: unknown): void {
  if (!(error instanceof ConfigurationRefused)) throw error;
}

/** Runs all steps and returns their results. Throws one error for all refusals; rethrows any other error at once. */
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
