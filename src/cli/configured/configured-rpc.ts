/**
 * Connection of commands that send remote calls, or manage them.
 */
import type { Config } from '../../config/index.js';
import { commandLogger } from '../../config/internal.js';
import { ConfigurationRefused, describeError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { RPCConnection, removeHostQueue } from '../../rpc/internal.js';
import type { ServiceRecord } from '../../service/index.js';
import type { ConfigurationArguments } from '../command-line.js';
import { readConfiguration } from './configuration.js';

/** Refused for `memory://`, which other processes cannot see. */
export async function withConnection<T>(
  args: ConfigurationArguments,
  work: (connection: RPCConnection) => Promise<T>,
): Promise<T> {
  const config = await readConfiguration(args);
  const connection = new RPCConnection({ config, name: `api-cli:${process.pid}`, log: commandLogger(config) });
  if (connection.isInProcess) {
    throw new ConfigurationRefused('PORTICO_RPC_MEMORY', {
      message: '[rpc] transport_url is memory://, which cannot reach other processes',
      hint: 'Pass the configuration of the running services with --config-file, or set [rpc] transport_url to the URL of their broker.',
    });
  }
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/**
 * Removes the remains of a service whose record an operator has deleted: the queue of its host at the broker. Never rejects: the record is
 * gone, and the broker removes the queue by itself in the end.
 */
export async function forgetHostQueue({ topic, host }: ServiceRecord, config: Config, log: Logger): Promise<void> {
  if (topic === null) return;
  const connection = new RPCConnection({ config, name: `api-cli:${process.pid}`, log });
  // Queues in memory end with their process.
  if (connection.settings.isInProcess) return;
  try {
    const removed = await removeHostQueue(connection, { topic, host });
    if (removed) log.info(`The queue of ${topic} on ${host} is removed`);
  } catch (error) {
    log.warn(`The queue of ${topic} on ${host} is kept for 24 hours: ${describeError(error)}`);
  } finally {
    await connection.close();
  }
}
