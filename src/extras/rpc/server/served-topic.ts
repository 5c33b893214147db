/** The server of a service: it begins with its broker, or later. */
import { type CallSpans, ConfigurationRefused } from 'portico/extension';
import { pause } from 'portico/tasks';
import { DeliveryFailure } from '../errors.js';
import type { Transport } from '../transport/transport.js';
import { Endpoints } from './endpoints.js';
import { RpcServer, type RpcServerOptions } from './rpc-server.js';

/** Endpoints and policy of a service. */
export interface ServedTopicOptions
  extends Omit<RpcServerOptions, 'transport' | 'spans' | 'endpoints' | 'takesShared'> {
  readonly endpoints: readonly object[];
}

/** The server of one service, for one run. */
export class ServedTopic {
  readonly #options: ServedTopicOptions;
  #server: RpcServer | undefined;
  #spans: CallSpans | undefined;
  readonly #ending = new AbortController();
  #takesShared = true;

  constructor(options: ServedTopicOptions) {
    this.#options = options;
  }

  /**
   * Settles when calls can arrive. Waits for a broker that is not available; rejects with `DeliveryFailure` if it takes longer than 60 s, and
   * as `Endpoints` for methods that cannot be served. After a failure nothing is consumed.
   */
  async start(aborted: AbortSignal): Promise<void> {
    const { connection, endpoints, topic } = this.#options;
    const { accessPolicy, startWaitMs, startWithoutBroker, transport: settings } = connection.settings;
    const served = new Endpoints(endpoints, accessPolicy);
    const late = served.methods.find(({ options }) => options.ack === 'late');
    if (late !== undefined && settings.queueType !== 'quorum') {
      const own = `[rpc] queue_type is ${settings.queueType}`;
      const why = connection.settings.isOslo ? '[oslo_messaging_rabbit] rabbit_quorum_queue is not set' : own;
      throw new ConfigurationRefused('PORTICO_RPC_METHOD', {
        message: `${late.name} acknowledges late, but ${why}`,
        hint: 'Only quorum queues count redeliveries.',
      });
    }
    this.#spans = await connection.spans;
    try {
      await this.#begin(await connection.connected(startWaitMs, { signal: aborted }), served);
    } catch (error) {
      const isAway = error instanceof DeliveryFailure && !aborted.aborted;
      if (!startWithoutBroker || !isAway) throw error;
      connection.log.warn(
        `${topic} starts without its broker, and accepts calls once it is available: ${error.describe()}`,
      );
      void this.#beginLater(served);
    }
  }

  /** Waits for the broker as long as the service runs. Never rejects. */
  async #beginLater(served: Endpoints): Promise<void> {
    const { connection, topic } = this.#options;
    const { log, clock, settings } = connection;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await this.#begin(await connection.connected(Number.POSITIVE_INFINITY, { signal }), served);
        if (!signal.aborted) log.info(`${topic} accepts calls now`);
      } catch (err) {
        if (signal.aborted) return;
        log.error({ err }, `${topic} cannot accept calls yet`);
        await pause(settings.transport.retryIntervalMaxMs, { clock, signal, unref: true });
        continue;
      }
      break;
    }
    if (signal.aborted) await this.#server?.stopAccepting();
  }

  #begin(transport: Transport, endpoints: Endpoints): Promise<void> {
    const parts = { transport, endpoints, spans: this.#spans, takesShared: this.#takesShared };
    this.#server = new RpcServer({ ...this.#options, ...parts });
    return this.#server.start();
  }

  /** Takes calls from the queue that hosts share, or leaves them to other hosts: see `RpcServer.takeShared`. May be called before the start. */
  async takeShared(isWanted: boolean): Promise<void> {
    this.#takesShared = isWanted;
    await this.#server?.takeShared(isWanted);
  }

  async stopAccepting(): Promise<void> {
    this.#ending.abort();
    await this.#server?.stopAccepting();
  }

  /** Settles when handlers have ended: see `RpcServer.finish`. */
  async finish(limitMs: number, signal?: AbortSignal): Promise<void> {
    await this.#server?.finish(limitMs, signal);
    await this.#spans?.flush(signal);
  }
}
