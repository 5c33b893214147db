/**
 * How many handlers run at a time. What waits has not begun, so it can be given back to the broker.
 */

/** Work that has not begun. */
export interface Waiting {
  /** Runs it; must not reject. */
  run(): Promise<void>;
  /** It will not run here. */
  giveBack(): Promise<void>;
}

/** Runs so many at a time, in order. */
export class Executor {
  readonly #size: number;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<Promise<void>>();
  #idle: (() => void)[] = [];
  #held = false;

  constructor(size: number) {
    this.#size = size;
  }

  add(work: Waiting): void {
    this.#waiting.push(work);
    this.#next();
  }

  /** Begins nothing more. What comes waits to be given back. */
  hold(): void {
    this.#held = true;
  }

  /** Gives back what has not begun. */
  async clear(): Promise<void> {
    await Promise.all(this.#waiting.splice(0).map((work) => work.giveBack()));
  }

  /** Settles once nothing runs. */
  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    while (!this.#held && this.#running.size < this.#size) {
      const work = this.#waiting.shift();
      if (work === undefined) break;
      const run = work.run().finally(() => {
        this.#running.delete(run);
        this.#next();
      });
      this.#running.add(run);
    }
    if (this.#running.size === 0) for (const tell of this.#idle.splice(0)) tell();
  }
}
