/** The transports that Portico ships, by the scheme of their URLs. Each is loaded with its first transport. */
import type { MakeTransport } from './transport.js';

const memory = async (): Promise<MakeTransport> => (await import('./memory/memory-transport.js')).memoryTransport;
const amqp = async (): Promise<MakeTransport> => (await import('./amqp/amqp-transport.js')).amqpTransport;

/** Drivers by scheme. */
export const DRIVERS = { memory, amqp, amqps: amqp, 'oslo+rabbit': amqp, 'oslo+amqps': amqp } as const;
