/**
 * Work that may be asked for again while it is under way.
 */

/**
 * Runs `work` one at a time. Asking while it runs means exactly one more run afterwards, however often it was asked;
 * everybody who asked gets the run that began after they did.
 */
export class Coalesced {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Another run was asked for while one is under way. */
  get pending(): boolean {
    return this.#next !== undefined;
  }

  /** Settles when nothing is under way any more; never rejects. */
  async idle(): Promise<void> {
    for (let run = this.#next ?? this.#running; run !== undefined; run = this.#next ?? this.#running) {
      await run.catch(() => undefined);
    }
  }

  run(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    this.#next = this.#running.catch(() => undefined).then(() => this.#begin());
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    const run = this.#work().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }
}
