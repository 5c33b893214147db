/**
 * The connection of commands that send remote calls, or look after them.
 */
import { ConfigurationRefused } from '../errors/index.js';
import { RPCConnection } from '../rpc/index.js';
import type { ConfigurationArguments } from './command-line.js';
import { configuredLogger, readConfiguration } from './configuration.js';

/** Refused for `memory://`, which no other process sees. */
export async function withConnection<T>(
  args: ConfigurationArguments,
  work: (connection: RPCConnection) => Promise<T>,
): Promise<T> {
  const config = await readConfiguration(args);
  const connection = new RPCConnection({ config, name: `api-cli:${process.pid}`, log: configuredLogger(config) });
  if (connection.isInProcess) {
    throw new ConfigurationRefused('PORTICO_RPC_MEMORY', {
      message: '[rpc] transport_url is memory://, and what goes over it stays in the process that serves',
      hint: 'Name the configuration of services that run with --config-file, or set [rpc] transport_url to that of their broker.',
    });
  }
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}
