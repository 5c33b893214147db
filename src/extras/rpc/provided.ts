/** Remote calls for the core, which finds them by their extension. */
import { type CallsProvider, describeError } from 'portico/extension';
import { CallMeter } from './call-meter.js';
import { RPCConnection } from './client/rpc-connection.js';
import { loadDriver } from './messaging-options.js';

export const provided: CallsProvider = {
  load: loadDriver,
  forgetHost: async ({ topic, host }, config, log) => {
    if (topic === null) return;
    const connection = new RPCConnection({ config, name: `api-cli:${process.pid}`, log });
    // Queues in memory end with their process.
    if (connection.settings.isInProcess) return;
    try {
      const { removeHostQueue } = await import('./client/dead-letters.js');
      const removed = await removeHostQueue(connection, { topic, host });
      if (removed) log.info(`The queue of ${topic} on ${host} is removed`);
    } catch (error) {
      log.warn(`The queue of ${topic} on ${host} is kept for 24 hours: ${describeError(error)}`);
    } finally {
      await connection.close();
    }
  },
  calls: (meter) => {
    const counts = meter && new CallMeter({ meter });
    const open = new Set<RPCConnection>();
    return {
      get calls() {
        return counts?.calls ?? { running: 0, pending: 0, open: [] };
      },
      troubles: () => [...new Set([...open].flatMap(({ troubles }) => troubles))],
      connect: (config, options) => {
        const connection = new RPCConnection({ config, ...options }, counts?.use(config));
        open.add(connection);
        return {
          isInProcess: connection.isInProcess,
          client: (target) => connection.client(target),
          notifier: (publisher) => connection.notifier(publisher),
          close: async () => {
            open.delete(connection);
            await connection.close();
          },
        };
      },
    };
  },
};
