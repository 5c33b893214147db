/**
 * Waits for methods until they have ended, or until they are interrupted. One promise that all of them race with would keep every
 * result for as long as the server runs.
 */
export class Interruption {
  readonly #waits = new Set<(reason: Error) => void>();

  /** What comes of the work. Rejects with the reason of an interruption before that. */
  async wait<T>(work: Promise<T>): Promise<T> {
    let interrupt!: (reason: Error) => void;
    const interrupted = new Promise<never>((_, reject) => {
      interrupt = reject;
    });
    this.#waits.add(interrupt);
    try {
      return await Promise.race([work, interrupted]);
    } finally {
      this.#waits.delete(interrupt);
    }
  }

  /** What is waited for now is not waited for any more. */
  interrupt(reason: Error): void {
    for (const interrupt of this.#waits) interrupt(reason);
  }
}
