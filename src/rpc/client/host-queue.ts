/** The queue of a host whose service is gone for good. */
import type { RPCConnection } from './rpc-connection.js';

/**
 * Removes it: a call to that host is refused at once, and waits no longer for an answer. What waited in it becomes dead letters. False
 * where there is none, or the service takes calls still. Rejects with `DeliveryFailure` where there is no broker.
 */
export async function removeHostQueue(
  connection: RPCConnection,
  { topic, host }: { readonly topic: string; readonly host: string },
): Promise<boolean> {
  const { exchange, transport: options } = connection.settings;
  const transport = await connection.connected(options.connectTimeoutMs);
  return transport.removeQueue({ exchange, topic, server: host });
}
