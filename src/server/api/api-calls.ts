/**
 * The calls of an API to other services, by its managers and by its app: counted together.
 */
import { hostname } from 'node:os';
import type { Config } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import type { Meter } from '../../metrics/index.js';
import type { CallMeter } from '../../rpc/internal.js';
import type { OwnRPCClients } from '../../service/index.js';

/** What connections are made of. */
export interface ApiCallsParts {
  readonly binary: string;
  readonly project: string | undefined;
  readonly log: Logger;
  readonly meter: Meter;
}

/** Loads what makes calls with the first connection. */
export class ApiCalls {
  readonly #parts: ApiCallsParts;
  /** What is wrong with each connection that is open. */
  readonly #troubles = new Set<() => readonly string[]>();
  #meter: CallMeter | undefined;

  constructor(parts: ApiCallsParts) {
    this.#parts = parts;
  }

  /** How many are under way; undefined where none can be. */
  get calls(): CallMeter['calls'] | undefined {
    return this.#meter?.calls;
  }

  /** What is wrong with its connections to brokers, each told once. */
  troubles(): readonly string[] {
    return [...new Set([...this.#troubles].flatMap((tell) => tell()))];
  }

  /** A connection with this configuration. Opens nothing by itself. */
  async connect(config: Config): Promise<OwnRPCClients> {
    const { CallMeter, RPCConnection } = await import('../../rpc/internal.js');
    const { binary, project, log, meter } = this.#parts;
    this.#meter ??= new CallMeter({ meter });
    const name = `${binary}@${hostname()}:${process.pid}`;
    const connection = new RPCConnection({ config, project, name, log }, this.#meter.use(config));
    const tell = (): readonly string[] => connection.troubles;
    this.#troubles.add(tell);
    return {
      isInProcess: connection.isInProcess,
      client: (options) => connection.client(options),
      close: async () => {
        this.#troubles.delete(tell);
        await connection.close();
      },
    };
  }
}
