/**
 * Consumes one queue until it is cancelled: after a loss of the connection, of the channel or of the queue, it is declared and consumed
 * anew. The package's own consumer acknowledges when its handler ends, whereas a call is acknowledged when it begins; after a loss it
 * consumes again only after all handlers have ended, and it cannot stop receiving messages without waiting for them.
 */
import { PorticoError } from 'portico/extension';
import { pause, within } from 'portico/tasks';
import type { Connection } from 'rabbitmq-client';
import { DeliveryFailure } from '../../errors.js';
import type { TransportConsumer } from '../transport.js';
import { type AmqpLink, reasonOf } from './amqp-connection.js';
import { DeliveryChannel, type DeliverySource } from './amqp-delivery.js';
import type { Received } from './amqp-message.js';
import { declareQueue } from './amqp-topology.js';

/** Time that the broker has to end a consumer. */
const CANCEL_MS = 2000;

/** Parts and limits of a consumer. */
export interface ConsumptionParts {
  readonly link: AmqpLink;
  readonly source: DeliverySource;
  readonly prefetch: number;
  /** No other consumer may consume the queue. */
  readonly exclusive?: boolean;
  /** Passes a message to the consumer, which settles it there. */
  readonly onReceived: (raw: Received, deliveries: DeliveryChannel) => void;
  /** Called when it is cancelled and has settled its messages, or could not start. */
  readonly onEnd: () => void;
}

export class AmqpConsumption implements TransportConsumer {
  readonly #parts: ConsumptionParts;
  readonly #end = new AbortController();
  #current: DeliveryChannel | undefined;
  #establishing: Promise<unknown> = Promise.resolve();
  /** True if it was cancelled, and the broker has not responded to a declaration: the consumer ends once it has begun. */
  #isLate = false;
  #cancelled: Promise<void> | undefined;

  constructor(parts: ConsumptionParts) {
    this.#parts = parts;
  }

  /** Settles when it consumes. Rejects with `PORTICO_RPC_TOPOLOGY` for a refusal of the broker, else when it is cancelled. */
  begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      void this.#run(resolve).catch(reject).finally(this.#parts.onEnd);
    });
  }

  cancel(): Promise<void> {
    this.#cancelled ??= this.#cancel();
    return this.#cancelled;
  }

  /** Closes its channels: unsettled messages are returned. */
  async close(): Promise<void> {
    await this.cancel();
    await this.#current?.close();
  }

  async #run(begun: () => void): Promise<void> {
    const { link, source } = this.#parts;
    const { options, plan } = source;
    const { signal } = this.#end;
    let hasBegun = false;
    for (let failed = 0; !signal.aborted; ) {
      const connection = await link.up(signal).catch((error: unknown) => {
        if (!hasBegun) throw error;
      });
      if (connection === undefined) return;
      try {
        const consuming = this.#consume(connection);
        this.#establishing = consuming.catch(() => undefined);
        const { ended } = await consuming;
        failed = 0;
        hasBegun = true;
        begun();
        const isTaken = await ended;
        if (signal.aborted || link.connection !== connection) continue;
        if (isTaken)
          options.log.warn(`the broker cancelled the consumer of the queue ${plan.queue}; the queue is declared again`);
        else await pause(Math.random() * options.retryIntervalMs, { signal });
      } catch (error) {
        if (!hasBegun && error instanceof PorticoError) throw error;
        if (signal.aborted || link.connection !== connection) continue;
        failed += 1;
        const waitMs = Math.min(options.retryIntervalMs * failed, options.retryIntervalMaxMs);
        const hint = error instanceof PorticoError ? error.describe() : reasonOf(error);
        options.log.error(`${plan.queue} cannot be consumed, retrying in ${Math.ceil(waitMs / 1000)} s: ${hint}`);
        await pause(waitMs, { signal });
      }
    }
    if (!hasBegun) throw new DeliveryFailure({ message: `${plan.queue}: it was cancelled before it was consumed` });
  }

  /**
   * Declares exchange, queue, binding and consumer, in this order. The returned promise settles at its end: with true if the queue was
   * taken away.
   */
  async #consume(connection: Connection): Promise<{ readonly ended: Promise<boolean> }> {
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    const { source, prefetch, exclusive = false, onReceived } = this.#parts;
    const { options, plan } = source;
    const deliveries = new DeliveryChannel(channel, source);
    const ended = new Promise<boolean>((resolve) => {
      channel.on('close', () => resolve(false));
      channel.on('basic.cancel', () => {
        deliveries.retire();
        resolve(true);
      });
    });
    channel.on('error', (error) => options.log.warn(`${plan.queue}: the channel was closed: ${reasonOf(error)}`));
    try {
      await declareQueue(channel, plan, options);
      await channel.basicQos({ prefetchCount: prefetch });
      await channel.basicConsume({ queue: plan.queue, consumerTag: options.clientName, exclusive }, (raw) => {
        onReceived(raw, deliveries);
      });
    } catch (error) {
      deliveries.retire();
      throw error;
    }
    this.#current = deliveries;
    if (this.#isLate) deliveries.retire();
    return { ended };
  }

  async #cancel(): Promise<void> {
    this.#end.abort();
    const { plan, options } = this.#parts.source;
    // Declarations in progress end first, unless the peer is silent.
    this.#isLate = await within(
      this.#establishing.then(() => false),
      CANCEL_MS,
      () => true,
    );
    if (this.#isLate) return;
    const deliveries = this.#current;
    if (deliveries === undefined || !deliveries.channel.active) return;
    try {
      // A silent peer is not awaited: messages that it still delivers are returned.
      await within(deliveries.channel.basicCancel(options.clientName), CANCEL_MS, () => {
        throw new Error('the broker does not respond');
      });
      // Messages that arrived before the broker's response are delivered a turn later.
      await new Promise((resolve) => setImmediate(resolve));
      if (plan.isTransient) await deliveries.channel.queueDelete({ queue: plan.queue });
    } catch {
      // The connection is lost, and the consumer with it.
    }
    deliveries.retire();
  }
}
