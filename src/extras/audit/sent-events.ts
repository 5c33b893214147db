/** Events on their way to a broker: a bounded number waits while it is away, and losses are counted and reported. */
import type { FactoryContext } from 'portico/app';
import { addTrouble, countText, errorText, Throttle } from 'portico/extension';

/** Most events that wait. One has a few kilobytes. */
const MOST_WAITING = 10_000;
/** Time between two lines of the log about losses. */
const TELL_MS = 60_000;

export class SentEvents {
  readonly #log: FactoryContext['log'];
  readonly #told = new Throttle(TELL_MS);
  #waiting = 0;
  #failure: string | undefined;

  constructor({ log, config, onClose }: Pick<FactoryContext, 'log' | 'config' | 'onClose'>) {
    this.#log = log;
    onClose(addTrouble(config, () => this.#failure));
    onClose(() => {
      const events = this.#told.takeCount();
      if (events > 0) log.error({ events }, `${countText(events, 'more event')} of audit lost until the end`);
    });
  }

  /** Sends an event unless too many wait. `send`: rejects if the broker does not take it. */
  send(send: () => Promise<void>): void {
    if (this.#waiting >= MOST_WAITING) {
      this.#lost(`${MOST_WAITING} events wait for the broker`);
      return;
    }
    this.#waiting += 1;
    send()
      .then(
        () => this.#sent(),
        (error: unknown) => this.#lost(errorText(error)),
      )
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  #sent(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    const events = this.#told.takeCount();
    const more = events === 0 ? '' : `; ${countText(events, 'more event')} lost until now`;
    this.#log.notice({ events }, `the broker takes events of audit again${more}`);
  }

  #lost(reason: string): void {
    this.#failure = `events of audit are lost: ${reason}`;
    this.#told.tell((events) => this.#log.error({ events, reason }, this.#failure!));
  }
}
