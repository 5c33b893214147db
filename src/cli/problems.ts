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
      this.#refusals.push(...(error instanceof SeveralRefusals ? error.refusals : [error]));
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
    const said = this.#refusals.flatMap((refusal) => refusal.describe().split(/\n(?!\s)/));
    const texts = [...new Set([...said, ...this.#texts])];
    if (texts.length > 0) throw new SeveralRefusals(byPlace(texts), this.#refusals);
  }
}

/** What several parts refused a configuration for. */
class SeveralRefusals extends ConfigurationRefused {
  readonly refusals: readonly ConfigurationRefused[];

  constructor(texts: readonly string[], refusals: readonly ConfigurationRefused[]) {
    super('PORTICO_CONFIGURATION_REFUSED', { message: texts.join('\n') });
    this.refusals = refusals;
  }
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
