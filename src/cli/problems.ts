/**
 * Gathers what is wrong with a configuration from everything that looks at it, so that one start reports all of it.
 */
import { ConfigurationRefused } from '../errors.js';

/** A configuration was refused for these reasons; the message has each once, in the order they were found. */
export class Problems {
  readonly #texts = new Set<string>();

  get any(): boolean {
    return this.#texts.size > 0;
  }

  /** Runs a step; a refusal is kept and gives undefined. Any other error goes on. */
  async gather<T>(step: () => T | PromiseLike<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof ConfigurationRefused)) throw error;
      this.add(error);
      return undefined;
    }
  }

  add(refusal: ConfigurationRefused): void {
    for (const text of refusal.describe().split(/\n(?!\s)/)) this.#texts.add(text);
  }

  /** Throws one refusal with all of them, if there are any. */
  refuse(): void {
    if (!this.any) return;
    throw new ConfigurationRefused('PORTICO_CONFIGURATION_REFUSED', { message: [...this.#texts].join('\n') });
  }
}
