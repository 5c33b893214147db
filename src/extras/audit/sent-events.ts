/**
 * Events on their way to a broker: a bounded number waits while it is away, also in a stop until its time is over; losses are counted and
 * reported.
 */
import type { FactoryContext } from 'portico/app';
import { addTrouble, countText, errorText, Throttle } from 'portico/extension';
import { within } from 'portico/tasks';

/** Most events that wait. One has a few kilobytes. */
const MOST_WAITING = 10_000;
/** Time between two lines of the log about losses. */
const TELL_MS = 60_000;

export class SentEvents {
  readonly #log: FactoryContext['log'];
  readonly #told = new Throttle(TELL_MS);
  readonly #waiting = new Set<Promise<void>>();
  #isOver = false;
  #failure: string | undefined;

  constructor({ log, config, onClose }: Pick<FactoryContext, 'log' | 'config' | 'onClose'>) {
    this.#log = log;
    onClose(addTrouble(config, () => this.#failure));
    // Before the connection is closed, which was opened earlier.
    onClose((over) => this.#end(over));
  }

  /** Sends an event unless too many wait. `send`: rejects if the broker does not take it. */
  send(send: () => Promise<void>): void {
    if (this.#waiting.size >= MOST_WAITING) {
      this.#lost(`${MOST_WAITING} events wait for the broker`);
      return;
    }
    const sending: Promise<void> = send()
      .then(
        () => this.#sent(),
        (error: unknown) => this.#lost(errorText(error)),
      )
      .finally(() => this.#waiting.delete(sending));
    this.#waiting.add(sending);
  }

  /** Waits for events that are on their way; each has a time limit. What is left then, and earlier losses, are lines of the log. */
  async #end(over: AbortSignal | undefined): Promise<void> {
    while (this.#waiting.size > 0 && over?.aborted !== true)
      await within(Promise.all(this.#waiting), { ms: Number.POSITIVE_INFINITY, signal: over });
    const left = this.#waiting.size;
    this.#isOver = true;
    if (left > 0)
      this.#log.error(
        { events: left },
        `${countText(left, 'event')} of audit lost: the broker did not take them in time`,
      );
    const events = this.#told.takeCount();
    if (events > 0) this.#log.error({ events }, `${countText(events, 'more event')} of audit lost until the end`);
  }

  #sent(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    const events = this.#told.takeCount();
    const more = events === 0 ? '' : `; ${countText(events, 'more event')} lost until now`;
    this.#log.notice({ events }, `the broker takes events of audit again${more}`);
  }

  #lost(reason: string): void {
    // Counted at the end.
    if (this.#isOver) return;
    this.#failure = `events of audit are lost: ${reason}`;
    this.#told.tell((events) => this.#log.error({ events, reason }, this.#failure!));
  }
}
