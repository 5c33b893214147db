/**
 * Dead letters of an exchange, for operators: messages that were not handled in time, were refused, or were returned too often.
 */
import { PorticoError } from 'portico/extension';
import { InvalidTarget, NoServers } from '../errors.js';
import { type RequestEnvelope, readRequest, writeEnvelope } from '../message/envelope.js';
import { isRecord } from '../message/typed-json.js';
import type { WireFormatOptions } from '../message/wire-format.js';
import { addressText, checkRoute, nameOfMessage, routeOfQueue } from '../transport/route.js';
import type { Delivery, Message, Route, Transport, TransportOptions } from '../transport/transport.js';
import type { RPCConnection } from './rpc-connection.js';

/** A dead letter, without the values of its arguments, which may be secret. */
export interface DeadLetter {
  /**
   * Id of the message: each process that refused a fanout made a letter of its copy, and all have the same id. If another sender gave it
   * none, it is derived from the body.
   */
  readonly id: string;
  /** Undefined if the message does not name its queue. */
  readonly topic: string | undefined;
  /** Host of a message for one host. */
  readonly host: string | undefined;
  /** True for the copy of one process of a message that was sent to all. */
  readonly isFanout: boolean;
  /** Undefined if the message cannot be read. */
  readonly method: string | undefined;
  readonly version: string | undefined;
  readonly namespace: string | undefined;
  readonly requestId: string | undefined;
  /** Names of its arguments. */
  readonly args: readonly string[];
  readonly bytes: number;
  /** Time by the clock of its sender. */
  readonly sent: Date | undefined;
  readonly died: Date | undefined;
  readonly reason: string;
}

/** Selects dead letters: those with one of these ids, of this topic, or all. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[] | undefined;
  readonly topic?: string | undefined;
}

/** Result of a replay; `failure`: it stays a dead letter. */
export interface Replayed {
  readonly letter: DeadLetter;
  readonly failure?: string;
}

/**
 * Removes the queue of a host whose service is gone for good, so that calls to that host are refused at once rather than wait. Its messages
 * become dead letters. Returns false if there is none, or the service still consumes. Rejects with `DeliveryFailure` without a broker.
 */
export async function removeHostQueue(
  connection: RPCConnection,
  { topic, host }: { readonly topic: string; readonly host: string },
): Promise<boolean> {
  const { exchange, transport: options } = connection.settings;
  const transport = await connection.connected(patienceMs(options));
  return await transport.removeQueue({ exchange, topic, server: host });
}

/** Returns the time that an operator waits for a broker: about four attempts. */
function patienceMs({ retryIntervalMs }: Pick<TransportOptions, 'retryIntervalMs'>): number {
  return 10 * retryIntervalMs;
}

/** Reads, replays and drops dead letters. Rejects with `DeliveryFailure` without a broker. */
export class DeadLetters {
  readonly #connection: RPCConnection;

  constructor(connection: RPCConnection) {
    this.#connection = connection;
  }

  get exchange(): string {
    return this.#connection.settings.exchange;
  }

  /** Returns them, oldest first. */
  async list(filter: DeadLetterFilter = {}): Promise<readonly DeadLetter[]> {
    const found: DeadLetter[] = [];
    await this.#each(filter, async (letter) => void found.push(letter));
    return found;
  }

  /** Drops them, and returns them. */
  async drop(filter: DeadLetterFilter): Promise<readonly DeadLetter[]> {
    const dropped: DeadLetter[] = [];
    await this.#each(filter, async (letter, { ack }) => {
      await ack();
      dropped.push(letter);
    });
    return dropped;
  }

  /**
   * Sends each to its original queue, as a cast with its id: no caller waits for a reply any more, and a process drops an id that it has
   * begun recently. A fanout's letter goes only to the process that refused it, because the others have had their copies. A letter is
   * removed after the broker has confirmed its message. A letter stays if its queue does not belong to a service of the exchange.
   */
  async replay(filter: DeadLetterFilter): Promise<readonly Replayed[]> {
    const replayed: Replayed[] = [];
    await this.#each(filter, async (letter, delivery, transport) => {
      try {
        await this.#sendAgain(letter, delivery, transport);
        replayed.push({ letter });
      } catch (error) {
        replayed.push({ letter, failure: error instanceof PorticoError ? error.describe() : String(error) });
      }
    });
    return replayed;
  }

  async #each(
    { ids, topic }: DeadLetterFilter,
    work: (letter: DeadLetter, delivery: Delivery, transport: Transport) => Promise<void>,
  ): Promise<void> {
    const { settings } = this.#connection;
    const transport = await this.#connection.connected(patienceMs(settings.transport));
    await transport.eachDeadLetter(this.exchange, async (delivery) => {
      const letter = this.#read(delivery);
      if (ids !== undefined && !ids.includes(letter.id)) return;
      if (topic !== undefined && letter.topic !== topic) return;
      await work(letter, delivery, transport);
    });
  }

  async #sendAgain({ isFanout }: DeadLetter, delivery: Delivery, transport: Transport): Promise<void> {
    const { death } = delivery;
    if (death === undefined) {
      throw new InvalidTarget({
        message: 'its original queue is unknown',
        hint: `Another application put it into ${this.exchange}.dead. Call its method with api-cli rpc cast, and drop it.`,
      });
    }
    const to = this.#targetOf(death.queue);
    // The queue of a killed process exists until it expires, together with its messages.
    if (isFanout && !(await transport.hasConsumer(death.queue))) {
      throw new NoServers({
        message: 'it is a copy of a fanout, and its process has ended or is not connected to the broker',
        hint: 'Drop it, unless that process will reconnect. Processes started since then were not addressed.',
      });
    }
    const { castTtlMs } = this.#connection.settings;
    const options = { mandatory: true, ttlMs: castTtlMs || undefined };
    await transport.publish(to, this.#renewed(delivery), options);
    await delivery.ack();
  }

  /** Any sender may write the queue of a letter: one of another exchange, one for replies, one of no service. */
  #targetOf(queue: string): Route | string {
    const { isOslo } = this.#connection.settings;
    const route = this.#routeOf(queue);
    try {
      if (!isOslo && !queue.startsWith(`${this.exchange}.`))
        throw new InvalidTarget({ message: 'it belongs to another exchange' });
      checkRoute(route, isOslo);
      // Names of oslo.messaging's queues contain no exchange: such a letter goes by the exchange, to a queue bound there.
      return isOslo && route.fanout !== true ? route : queue;
    } catch (cause) {
      throw new InvalidTarget({
        message: `it names the queue ${JSON.stringify(queue)}, which belongs to no service of the exchange ${this.exchange}`,
        hint: 'Another application put it there, or it belongs to another exchange. Drop it.',
        cause,
      });
    }
  }

  #read(delivery: Delivery): DeadLetter {
    const { message, death } = delivery;
    const route: Partial<Route> = death === undefined ? {} : this.#routeOf(death.queue);
    const request = this.#requestOf(delivery);
    const { method, ver, ns, ctx = {}, args = {}, sent } = request ?? {};
    const requestId = ctx.request_id;
    return {
      id: nameOfMessage(message),
      topic: route.topic,
      host: route.server,
      isFanout: route.fanout === true,
      method,
      version: ver,
      namespace: ns,
      requestId: typeof requestId === 'string' ? requestId : undefined,
      args: isRecord(args) ? Object.keys(args) : [],
      bytes: message.body.length,
      sent: sent === undefined ? undefined : new Date(sent),
      died: death && new Date(death.at),
      reason: death?.reason ?? 'unknown',
    };
  }

  /**
   * Returns the message of a replay. An unreadable letter is unchanged: a newer server may read it. An unsigned one stays unsigned: its
   * sender is unknown.
   */
  #renewed(delivery: Delivery): Message {
    const request = this.#requestOf(delivery);
    if (request === undefined) return delivery.message;
    const renewed = { ...request, sent: Date.now(), reply: undefined, deadline: undefined, monitor: undefined };
    const wasSigned = this.#requestOf(delivery, { requireSignature: true }) !== undefined;
    const { format } = this.#connection.settings;
    // A message that its sender was allowed to send may be sent again.
    const sent = format.with({ onlyJson: false, ...(!wasSigned && { signingKeys: undefined }) });
    return {
      id: request.id,
      body: writeEnvelope(renewed, `${request.method}, replayed`, sent.at(this.#addressOf(delivery))),
    };
  }

  /** Returns undefined also for a message in a queue other than the signed one: a replay would sign it for that queue. */
  #requestOf(delivery: Delivery, how: Pick<WireFormatOptions, 'requireSignature'> = {}): RequestEnvelope | undefined {
    const format = this.#connection.settings.format.with({ windowMs: Number.POSITIVE_INFINITY, ...how });
    try {
      const read = readRequest(delivery.message.body, format.at(this.#addressOf(delivery)));
      return 'cancel' in read ? undefined : read;
    } catch {
      return undefined;
    }
  }

  #addressOf({ death }: Delivery): string {
    return death === undefined ? '' : addressText(this.#routeOf(death.queue));
  }

  #routeOf(queue: string): Route {
    return routeOfQueue(this.exchange, queue, this.#connection.settings.isOslo);
  }
}
