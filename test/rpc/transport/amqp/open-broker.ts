/** Transports to the broker and an exchange for each test, removed after it. */
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { TlsOptions } from 'node:tls';
import type { Delivery, Message, Route, Transport } from 'portico/rpc';
import { makeTransport, type TransportOptions } from '#internal/extras/rpc';
import { transportOptions } from '../../conformance.js';
import { deleteTopic } from './broker.js';
import { BrokerProxy } from './broker-proxy.js';

/** The tools of a test. */
export interface Ground {
  readonly route: Route;
  /** Opens a connected transport. */
  open(url: string, options?: Partial<TransportOptions>): Promise<Transport>;
  /** Opens a proxy to the broker. It is closed after the transports. */
  proxy(tls?: TlsOptions): Promise<BrokerProxy>;
}

/** Retry intervals short enough for a test. */
const QUICK = { retryIntervalMs: 50, retryBackoffMs: 0, retryIntervalMaxMs: 100 };

export function ground(t: TestContext): Ground {
  const exchange = `amqp-${randomUUID().slice(0, 8)}`;
  const opened: Transport[] = [];
  const proxies: BrokerProxy[] = [];
  t.after(async () => {
    await Promise.all(opened.map((transport) => transport.close()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await deleteTopic(exchange, 'images', ['north']);
  });
  return {
    route: { exchange, topic: 'images' },
    open: async (url, options) => {
      const transport = await makeTransport(url, transportOptions({ ...QUICK, ...options }));
      opened.push(transport);
      await transport.connect();
      return transport;
    },
    proxy: async (tls) => {
      const proxy = await BrokerProxy.open(tls);
      proxies.push(proxy);
      return proxy;
    },
  };
}

/** The deliveries of a consumer, one by one. */
export class Deliveries {
  readonly #arrived: Delivery[] = [];
  readonly #asked: ((delivery: Delivery) => void)[] = [];

  readonly take = (delivery: Delivery): void => {
    const ask = this.#asked.shift();
    if (ask === undefined) this.#arrived.push(delivery);
    else ask(delivery);
  };

  next(): Promise<Delivery> {
    const delivery = this.#arrived.shift();
    return delivery === undefined ? new Promise((resolve) => this.#asked.push(resolve)) : Promise.resolve(delivery);
  }
}

/** Waits until the transport is in this state. */
export async function entered(transport: Transport, state: string): Promise<void> {
  if (transport.state === state) return;
  await new Promise<void>((resolve) => {
    const forget = transport.onState((now) => {
      if (now !== state) return;
      forget();
      resolve();
    });
  });
}

export function textMessage(text: string): Message {
  return { id: randomUUID(), body: Buffer.from(text) };
}

export function textOf({ message }: Delivery): string {
  return Buffer.from(message.body).toString();
}
