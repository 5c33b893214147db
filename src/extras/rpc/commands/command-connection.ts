/**
 * Connection of commands that send remote calls, or manage them.
 */
import { ConfigurationRefused } from 'portico/extension';
import type { CommandContext, ConfigurationArguments } from 'portico/service';
import { RPCConnection } from '../client/rpc-connection.js';

/** Refused for `memory://`, which other processes cannot see. */
export async function withConnection<T>(
  { readConfiguration, log }: CommandContext,
  args: ConfigurationArguments,
  work: (connection: RPCConnection) => Promise<T>,
): Promise<T> {
  const config = await readConfiguration(args);
  const connection = new RPCConnection({ config, name: `api-cli:${process.pid}`, log: log(config) });
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
