/** Starts services and clients over one transport, for tests. */
import { randomUUID } from 'node:crypto';
import { Config } from 'portico/config';
import {
  type ClientOptions,
  type RPCClient,
  RPCConnection,
  type RPCConnectionOptions,
  RPCService,
  type RPCServiceOptions,
} from 'portico/rpc';
import { recordedLog } from '../tasks/recorded-log.js';

/** Services and clients on one transport. */
export interface Network {
  readonly transport: string;
  readonly log: ReturnType<typeof recordedLog>;
  /** Starts a service of the topic `images`. */
  serve(manager: object, options?: RPCServiceOptions & { readonly ini?: string }): Promise<RPCService>;
  client(options?: Partial<ClientOptions>, connection?: RPCConnectionOptions & { readonly ini?: string }): RPCClient;
  /** Closes all clients and stops all services. */
  end(): Promise<void>;
}

/** A network, by default in memory, until the test ends. */
export function networkOf(
  t: { after(end: () => Promise<void>): unknown },
  transport = `memory://${randomUUID()}`,
): Network {
  const log = recordedLog();
  const ends: (() => Promise<void>)[] = [];
  const network: Network = {
    transport,
    log,
    async serve(manager, { ini = '', ...options } = {}) {
      const service = RPCService.create({
        binary: 'portico-images',
        host: 'north',
        registration: null,
        manager,
        transport,
        log: log.log,
        config: Config.fromText(ini),
        ...options,
      });
      await service.start();
      ends.unshift(() => service.stop());
      return service;
    },
    client(options = {}, { ini = '', ...connection } = {}) {
      const rpc = new RPCConnection({ transport, log: log.log, config: Config.fromText(ini), ...connection });
      ends.push(() => rpc.close());
      return rpc.client({ topic: 'images', ...options });
    },
    async end() {
      for (const each of ends.splice(0)) await each();
    },
  };
  t.after(() => network.end());
  return network;
}

/** Runs a function with a network, and ends it. */
export async function withNetwork(run: (network: Network) => Promise<void>, transport?: string): Promise<void> {
  const network = networkOf({ after: () => undefined }, transport);
  try {
    await run(network);
  } finally {
    await network.end();
  }
}

/** Returns a promise and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
