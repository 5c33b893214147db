/** Serves one object over a transport in memory, with a fake clock. */
import { Config } from 'portico/config';
import { type Delivery, type Message, RPCConnection } from 'portico/rpc';
import { FakeClock } from 'portico/testing';
import { CallMeter, Endpoints, MemoryBroker, MemoryTransport, RpcServer } from '#internal/extras/rpc';
import { TaskTracker } from '#internal/service';
import type { RequestEnvelope } from '../../../dist/extras/rpc/message/envelope.js';
import { recordedLog } from '../../tasks/recorded-log.js';
import { bodyOf } from '../bodies.js';

export const OF_IMAGES = { topic: 'images', host: 'north', binary: 'portico-images' };

/** Waits 20 turns of the event loop, in which pending work ends. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Starts a server with a fake clock and a separate transport. */
export async function served(
  endpoint: object,
  { deliveryLimit = 5, change }: { deliveryLimit?: number; change?: (transport: MemoryTransport) => void } = {},
) {
  const clock = new FakeClock();
  const recorded = recordedLog();
  const { log } = recorded;
  const transport = new MemoryTransport(new MemoryBroker({ clock, deliveryLimit }));
  change?.(transport);
  await transport.connect();
  const tracker = new TaskTracker({ service: 'images', log, clock });
  const config = Config.fromText('[metrics]\nenabled = true\n');
  const meter = new CallMeter().use(config);
  const connection = new RPCConnection({ transport, log, clock, config }, meter);
  const endpoints = new Endpoints([endpoint]);
  const server = new RpcServer({ ...OF_IMAGES, connection, transport, endpoints, tracker, poolSize: 4 });
  await server.start();
  const deadLetters = async (): Promise<readonly (string | undefined)[]> => {
    const reasons: (string | undefined)[] = [];
    await transport.eachDeadLetter('portico', async ({ death }) => void reasons.push(death?.reason));
    return reasons;
  };
  return {
    clock,
    transport,
    server,
    connection,
    meter,
    client: connection.client({ topic: 'images' }),
    deadLetters,
    ...recorded,
  };
}

/** Changes each delivery of a transport. */
export function delivering(transport: MemoryTransport, change: (delivery: Delivery) => Delivery): void {
  const consume = transport.consume.bind(transport);
  transport.consume = (to, options, onDelivery) => consume(to, options, (each) => onDelivery(change(each)));
}

export const route = { exchange: 'portico', topic: 'images' };

export function requestMessage(id: string, method: string, more: Partial<RequestEnvelope> = {}): Message {
  return { id, body: bodyOf({ id, method, args: {}, ctx: {}, ...more }) };
}
