/**
 * Gathers what is wrong with a configuration from everything that looks at it, so that one start reports all of it.
 */
import { allInOne, type ConfigurationRefused, Refusals } from '../errors/index.js';

/** What a configuration is refused for. */
export class Problems {
  readonly #refusals = new Refusals();
  readonly #texts: string[] = [];

  get any(): boolean {
    return this.#refusals.all.length > 0;
  }

  /** Runs a step; a refusal is kept and gives undefined. Any other error goes on. */
  gather<T>(step: () => T | PromiseLike<T>): Promise<T | undefined> {
    return this.#refusals.gather(step);
  }

  /** Adds texts of problems; refusals that are among them need not be said again. */
  add(texts: readonly string[], among: (refusal: ConfigurationRefused) => boolean): void {
    this.#texts.push(...texts);
    if (texts.length > 0) this.#refusals.drop(among);
  }

  /** Throws one refusal with all of them, each once, by place, if there are any. */
  refuse(): void {
    const refusal = allInOne(this.#refusals.all, this.#texts);
    if (refusal !== undefined) throw refusal;
  }
}
