/**
 * What is left of a service whose record an operator has deleted: the queue of its host with the broker of remote calls.
 */
import type { Config } from '../config/index.js';
import { describeError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { RPCConnection, removeHostQueue } from '../rpc/internal.js';
import type { ServiceRecord } from '../service/index.js';

/** Removes it. Never rejects: the record is gone, and the broker forgets the queue by itself in the end. */
export async function forgetHostQueue({ topic, host }: ServiceRecord, config: Config, log: Logger): Promise<void> {
  if (topic === null) return;
  const connection = new RPCConnection({ config, name: `api-cli:${process.pid}`, log });
  // What is in memory goes with its process.
  if (connection.settings.isInProcess) return;
  try {
    const removed = await removeHostQueue(connection, { topic, host });
    if (removed) log.info(`The queue of ${topic} on ${host} is removed`);
  } catch (error) {
    log.warn(`The queue of ${topic} on ${host} is left until host_queue_ttl is over: ${describeError(error)}`);
  } finally {
    await connection.close();
  }
}
