/**
 * A message that was delivered before, by a broker that does not count its deliveries: it may have ended the process that had it. It is
 * therefore acknowledged before it is read, and cannot end a third process.
 */
import type { Logger } from '../../log/index.js';
import { nameOfMessage } from '../transport/route.js';
import type { Delivery } from '../transport/transport.js';
import type { ServedCall } from './served-call.js';

/** A message that waits for its turn, or runs. */
export type Arrival = Pick<ServedCall, 'run' | 'giveBack' | 'isKnownAs' | 'cancel' | 'interrupt'>;

/** Parts of a returned call. */
export interface ReturnedParts {
  /** Returns the call in a settled delivery; undefined if it cannot be read, which it has logged. */
  readonly read: (settled: Delivery) => ServedCall | undefined;
  /** Runs `work` after that of the returned messages before it: one that ends the process takes no acknowledged ones with it. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
  readonly log: Logger;
}

export class ReturnedCall implements Arrival {
  readonly #delivery: Delivery;
  readonly #parts: ReturnedParts;
  #call: ServedCall | undefined;
  #cancelled: Error | undefined;

  constructor(delivery: Delivery, parts: ReturnedParts) {
    this.#delivery = delivery;
    this.#parts = parts;
  }

  /** Called when its turn has come: until then it stays with the broker. Never rejects. */
  async run(): Promise<void> {
    await this.#parts.inTurn(() => this.#open());
    await this.#call?.run();
  }

  /** Returns it, or drops it if it was cancelled. */
  async giveBack(): Promise<void> {
    await (this.#cancelled === undefined ? this.#delivery.requeue() : this.run());
  }

  isKnownAs(id: string): boolean {
    return this.#call?.isKnownAs(id) ?? this.#delivery.message.id === id;
  }

  cancel(reason: Error): void {
    this.#cancelled ??= reason;
    this.#call?.cancel(reason);
  }

  interrupt(reason: Error): void {
    this.#call?.interrupt(reason);
  }

  async #open(): Promise<void> {
    const { log, read } = this.#parts;
    const { message } = this.#delivery;
    const name = nameOfMessage(message);
    const facts = { bytes: message.body.length, sender: message.replyTo };
    log.info(facts, `message ${name} was delivered before: it is acknowledged before it is read`);
    try {
      await this.#delivery.ack();
    } catch (err) {
      log.info({ err }, `message ${name} was not read, it will be redelivered`);
      return;
    }
    this.#call = read({ ...this.#delivery, ack: async () => {}, requeue: async () => {} });
    if (this.#cancelled !== undefined) this.#call?.cancel(this.#cancelled);
  }
}
