/**
 * Descriptors of this process. If none is left the system hands connections over that Node closes at once, and says nothing of.
 */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Logger } from '../../log/index.js';
import { ThrottledWarning } from './throttled-warning.js';

const EVERY_MS = 60_000;

/** A look is true for so long: all servers of a process, each of which asks once a second, share it. */
const LOOK_MS = 900;

/** Looks whether there is one left. */
class DescriptorWatch {
  #lookedAt = Number.NEGATIVE_INFINITY;
  #missedAt = Number.NEGATIVE_INFINITY;
  #warning: ThrottledWarning | undefined;

  /** Whether a look of the last minute found none. */
  get missing(): boolean {
    return performance.now() - this.#missedAt < EVERY_MS;
  }

  /** Whether there is none now, which `log` is told once a minute. To be called once a second: takes 10 µs. */
  look(log: Logger): boolean {
    const now = performance.now();
    if (now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      const code = missingCode();
      if (code !== undefined) {
        this.#missedAt = now;
        this.#warning ??= new ThrottledWarning(
          log,
          'out of file descriptors: new connections are closed immediately. Raise LimitNOFILE (ulimit -n), or find out what keeps them open',
          EVERY_MS,
        );
        this.#warning.note({ code });
      }
    }
    return this.#missedAt === this.#lookedAt;
  }
}

/** One for the process, as its descriptors are. */
export const descriptorWatch = new DescriptorWatch();

/** The code of the system where none is left. */
function missingCode(): string | undefined {
  try {
    closeSync(openSync(devNull, 'r'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EMFILE' || code === 'ENFILE') return code;
  }
  return undefined;
}
