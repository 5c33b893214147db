/**
 * Gathers what the parts of a pipeline or a composite refuse.
 */
import { setTimeout as after } from 'node:timers/promises';
import { type ConfigurationRefused, Refusals } from '../errors/index.js';
import { isLimit } from './limits.js';
import { PasteError } from './paste-error.js';

/** Time that parts have after the first one has failed, in milliseconds: one that waits must not keep back the failure. */
const MORE_MS = 2000;

/** As {@link Refusals}; parts that take too long after a failure are left out, and a limit of the Loader ends the load. */
export class PartRefusals extends Refusals {
  #failedAt: number | undefined;

  override note(error: unknown): void {
    if (isLimit(error)) throw error;
    super.note(error);
    this.#failedAt ??= performance.now();
  }

  /** The first one, as PasteDeploy would tell it, with the others behind it. */
  override get refusal(): ConfigurationRefused | undefined {
    const [first, ...others] = this.all;
    return first instanceof PasteError && others.length > 0
      ? first.with({ others: [...first.others, ...others] })
      : super.refusal;
  }

  override async gather<T>(step: () => T | PromiseLike<T>): Promise<T | undefined> {
    if (this.#failedAt === undefined) return super.gather(step);
    const left = this.#failedAt + MORE_MS - performance.now();
    if (left <= 0) return undefined;
    const made = new AbortController();
    const isLate = after(left, undefined, { signal: made.signal });
    return Promise.race([super.gather(step), isLate]).finally(() => made.abort());
  }
}
