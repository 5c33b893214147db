/** Remote calls for the core, which imports them by the group `rpc` (`importOwner`). */
import type { CallsProvider } from '../managers/index.js';
import { CallMeter } from './call-meter.js';
import { RPCConnection } from './client/rpc-connection.js';

export const provided: CallsProvider = {
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
