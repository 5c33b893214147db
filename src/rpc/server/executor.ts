/**
 * How many handlers run at a time. What waits has not begun, so it can be given back to the broker.
 */

/** Work that has not begun. */
export interface Waiting {
  /** Runs it; must not reject. */
  run(): Promise<void>;
  /** It will not run here. Must not reject. */
  giveBack(): Promise<void>;
}

/** Runs so many at a time, in order. */
export class Executor {
  readonly #size: number;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<Promise<void>>();
  #idle: (() => void)[] = [];
  #held = false;
  #cleared = false;

  constructor(size: number) {
    this.#size = size;
  }

  add(work: Waiting): void {
    if (this.#cleared) {
      void work.giveBack();
      return;
    }
    this.#waiting.push(work);
    this.#next();
  }

  /** Begins nothing more. What comes waits to be given back: see {@link clear}. */
  hold(): void {
    this.#held = true;
  }

  /** Gives back what has not begun, and from now on what comes at once. */
  async clear(): Promise<void> {
    this.#cleared = true;
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
