/** Lines that an application's logger or destination has not taken. */
import { writeSync } from 'node:fs';
import { ignoreErrors } from '../errors/index.js';
import { countText, maskUris, printable } from '../text/index.js';
import { Throttle } from './throttle.js';

/** Counts lost lines, and reports them on standard error at most once a minute: the logger itself may have no sign of them. */
export class LostLines {
  readonly #reported = new Throttle(60_000);
  #lost = 0;

  readonly lost = (): number => this.#lost;

  readonly drop = (failure: unknown): void => {
    this.#lost++;
    this.#reported.tell((count) => {
      const why = ignoreErrors(() => printable(maskUris(String(failure)))) ?? 'for an unknown reason';
      ignoreErrors(() =>
        writeSync(2, `WARN: ${countText(count, 'log line')} lost, because the logger failed: ${why}\n`),
      );
    });
  };
}
