/**
 * A message that was delivered before, in a queue whose deliveries the broker does not count: a classic one. It may have ended the process
 * that had it. It is therefore acknowledged before it is read, and cannot end a third process.
 */
import type { Logger } from '../../log/index.js';
import { nameOfMessage } from '../transport/route.js';
import type { Delivery } from '../transport/transport.js';
import type { ServedCall } from './served-call.js';

/** A message that waits for its turn, or runs. */
export type Arrival = Pick<ServedCall, 'run' | 'giveBack' | 'isKnownAs' | 'cancel' | 'interrupt'>;

export class ReturnedCall implements Arrival {
  readonly #delivery: Delivery;
  readonly #read: () => ServedCall | undefined;
  readonly #log: Logger;
  #call: ServedCall | undefined;

  /** `read`: returns the call; undefined if it cannot be read, which it has logged. */
  constructor(delivery: Delivery, read: () => ServedCall | undefined, log: Logger) {
    this.#delivery = delivery;
    this.#read = read;
    this.#log = log;
  }

  /** Called when its turn has come: until then it stays with the broker. Never rejects. */
  async run(): Promise<void> {
    const { message } = this.#delivery;
    const name = nameOfMessage(message);
    const facts = { bytes: message.body.length, sender: message.replyTo };
    this.#log.info(
      `message ${name} was delivered before, perhaps to a process that it ended: it is acknowledged before it is read, and does not come again if this process ends`,
      facts,
    );
    try {
      await this.#delivery.ack();
    } catch (err) {
      this.#log.info(`message ${name} was not read, it will be redelivered`, { err });
      return;
    }
    this.#call = this.#read();
    await this.#call?.run();
  }

  async giveBack(): Promise<void> {
    await this.#delivery.requeue();
  }

  isKnownAs(id: string): boolean {
    return this.#call?.isKnownAs(id) === true;
  }

  cancel(reason: Error): void {
    this.#call?.cancel(reason);
  }

  interrupt(reason: Error): void {
    this.#call?.interrupt(reason);
  }
}
