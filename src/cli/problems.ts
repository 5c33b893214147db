/**
 * Gathers what is wrong with a configuration from everything that looks at it, so that one start reports all of it.
 */
import { ConfigurationRefused } from '../errors.js';
import { allInOne, refusalsOf } from '../several-refusals.js';

/** What a configuration is refused for. */
export class Problems {
  #refusals: ConfigurationRefused[] = [];
  readonly #texts: string[] = [];

  get any(): boolean {
    return this.#refusals.length > 0;
  }

  /** Runs a step; a refusal is kept and gives undefined. Any other error goes on. */
  async gather<T>(step: () => T | PromiseLike<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      for (const each of refusalsOf(error)) {
        if (!(each instanceof ConfigurationRefused)) throw error;
        this.#refusals.push(each);
      }
      return undefined;
    }
  }

  /** Adds texts of problems; refusals that are among them need not be said again. */
  add(texts: readonly string[], among: (refusal: ConfigurationRefused) => boolean): void {
    this.#texts.push(...texts);
    if (texts.length > 0) this.#refusals = this.#refusals.filter((refusal) => !among(refusal));
  }

  /** Throws one refusal with all of them, each once, by place, if there are any. */
  refuse(): void {
    const refusal = allInOne(this.#refusals, this.#texts);
    if (refusal !== undefined) throw refusal;
  }
}
