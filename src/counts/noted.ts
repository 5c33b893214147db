/** Notes of a worker about one API: those of ten minutes for its own status, and those since the last report for its parent. */

/** Minutes that count. */
export const MINUTES = 10;

/** Returns the number of the current minute. */
export function currentMinute(): number {
  return Math.floor(Date.now() / 60_000);
}

/** Counts of these minutes. */
export interface TenMinutes<Told, Shown> {
  add(told: Told): void;
  /** As an operator is shown it. */
  readonly list: readonly Shown[];
  /** Returns all, and begins anew. */
  take(): readonly Told[];
}

export class Noted<Told, Shown> {
  readonly #recent: TenMinutes<Told, Shown>;
  readonly #untold: TenMinutes<Told, Shown>;

  constructor(Counts: new () => TenMinutes<Told, Shown>) {
    this.#recent = new Counts();
    this.#untold = new Counts();
  }

  add(noted: Told): void {
    this.#recent.add(noted);
    this.#untold.add(noted);
  }

  get list(): readonly Shown[] {
    return this.#recent.list;
  }

  /** Returns those since the last call. */
  take(): readonly Told[] {
    return this.#untold.take();
  }
}
