/**
 * Descriptors of this process. Where none is left the system hands connections over that Node closes at once, and says nothing of.
 */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Logger } from '../../log/index.js';
import { ThrottledWarning } from './throttled-warning.js';

const EVERY_MS = 60_000;

/** Looks whether there is one left. */
export class DescriptorWatch {
  #missedAt = Number.NEGATIVE_INFINITY;
  readonly #missed: () => void;
  readonly #warning: ThrottledWarning;

  /** `missed` is called with each look that finds none. */
  constructor(log: Logger, missed: () => void) {
    this.#missed = missed;
    this.#warning = new ThrottledWarning(
      log,
      'no descriptor is left: new connections are closed at once. Raise LimitNOFILE (ulimit -n), or look for what keeps them open',
      EVERY_MS,
    );
  }

  /** Whether a look of the last minute found none. */
  get missing(): boolean {
    return performance.now() - this.#missedAt < EVERY_MS;
  }

  /** To be called once a second: takes 10 µs. */
  look(): void {
    try {
      closeSync(openSync(devNull, 'r'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EMFILE' && code !== 'ENFILE') return;
      this.#missedAt = performance.now();
      this.#missed();
      this.#warning.note({ code });
    }
  }
}
