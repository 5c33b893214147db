/**
 * Gathers what is wrong with a configuration from everything that looks at it, so that one start reports all of it.
 */
import { ConfigurationRefused } from '../errors.js';

/** A configuration was refused for these reasons. */
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
      if (!(error instanceof ConfigurationRefused)) throw error;
      this.#refusals.push(error);
      return undefined;
    }
  }

  /** Adds texts of problems; refusals of this kind are among them and need not be said again. */
  add(texts: readonly string[], instead: new (...given: never[]) => ConfigurationRefused): void {
    this.#texts.push(...texts);
    if (texts.length > 0) this.#refusals = this.#refusals.filter((refusal) => !(refusal instanceof instead));
  }

  /** Throws one refusal with all of them, each once, if there are any. */
  refuse(): void {
    const said = this.#refusals.flatMap((refusal) => refusal.describe().split(/\n(?!\s)/));
    const texts = [...new Set([...said, ...this.#texts])];
    if (texts.length === 0) return;
    throw new ConfigurationRefused('PORTICO_CONFIGURATION_REFUSED', { message: texts.join('\n') });
  }
}
