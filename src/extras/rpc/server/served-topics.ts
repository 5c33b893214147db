/**
 * Servers of a service: one for its topic, and one for the second topic, on which operations that end can still be reached.
 */
import { type CallSpans, ConfigurationRefused } from 'portico/extension';
import { pause } from 'portico/tasks';
import { DeliveryFailure } from '../errors.js';
import type { Transport } from '../transport/transport.js';
import { Endpoints } from './endpoints.js';
import { RpcServer, type RpcServerOptions } from './rpc-server.js';

/** Endpoints and policy of a service. */
export interface ServedTopicsOptions
  extends Omit<RpcServerOptions, 'transport' | 'spans' | 'endpoints' | 'takesShared'> {
  readonly altTopic: string | null;
  readonly endpoints: readonly object[];
}

/** Servers of one service, for one run. */
export class ServedTopics {
  readonly #options: ServedTopicsOptions;
  #main: RpcServer | undefined;
  #alt: RpcServer | undefined;
  #spans: CallSpans | undefined;
  readonly #ending = new AbortController();
  #takesShared = true;

  constructor(options: ServedTopicsOptions) {
    this.#options = options;
  }

  /**
   * Settles when calls can arrive. Waits for a broker that is not available; rejects with `DeliveryFailure` if it takes longer than 60 s, and
   * as `Endpoints` for methods that cannot be served. After a failure nothing is consumed.
   */
  async start(aborted: AbortSignal): Promise<void> {
    const { connection, endpoints } = this.#options;
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
    const spans = await connection.spans;
    this.#spans = spans;
    const begin = (transport: Transport): Promise<void> => this.#begin(transport, served, aborted);
    try {
      await begin(await connection.connected(startWaitMs, { signal: aborted }));
    } catch (error) {
      const isAway = error instanceof DeliveryFailure && !aborted.aborted;
      if (!startWithoutBroker || !isAway) throw error;
      const { topic } = this.#options;
      connection.log.warn(
        `${topic} starts without its broker, and accepts calls once it is available: ${error.describe()}`,
      );
      void this.#beginLater(begin);
    }
  }

  /** Waits for the broker as long as the service runs. Never rejects. */
  async #beginLater(begin: (transport: Transport) => Promise<void>): Promise<void> {
    const { connection, topic } = this.#options;
    const { log, clock, settings } = connection;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await begin(await connection.connected(Number.POSITIVE_INFINITY, { signal }));
        if (!signal.aborted) log.info(`${topic} accepts calls now`);
      } catch (err) {
        if (signal.aborted) return;
        log.error({ err }, `${topic} cannot accept calls yet`);
        await pause(settings.transport.retryIntervalMaxMs, { clock, signal, unref: true });
        continue;
      }
      break;
    }
    if (signal.aborted) await this.#main?.stopAccepting();
  }

  async #begin(transport: Transport, served: Endpoints, aborted: AbortSignal): Promise<void> {
    const { connection, altTopic, endpoints } = this.#options;
    const { accessPolicy } = connection.settings;
    const serverOf = (topic: string, methods: Endpoints): RpcServer =>
      new RpcServer({
        ...this.#options,
        topic,
        endpoints: methods,
        transport,
        spans: this.#spans,
        takesShared: this.#takesShared,
      });
    this.#main = serverOf(this.#options.topic, served);
    await this.#main.start();
    if (altTopic === null) return;
    const continuations = new Endpoints(endpoints, accessPolicy, ({ continuation }) => continuation === true);
    this.#alt = serverOf(altTopic, continuations);
    try {
      await this.#alt.start();
    } catch (error) {
      await this.#main.stopAccepting();
      await this.#main.finish(0, aborted);
      throw error;
    }
  }

  /** Takes calls from the queues that hosts share, or leaves them to other hosts: see `RpcServer.takeShared`. May be called before the start. */
  async takeShared(isWanted: boolean): Promise<void> {
    this.#takesShared = isWanted;
    await Promise.all([this.#main?.takeShared(isWanted), this.#alt?.takeShared(isWanted)]);
  }

  /** Stops new calls of the first topic. Continuations still arrive. */
  async stopAccepting(): Promise<void> {
    this.#ending.abort();
    await this.#main?.stopAccepting();
  }

  /** Settles when handlers have ended, those of the second topic last: see `RpcServer.finish`. The limit applies to both. */
  async finish(limitMs: number, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#options.connection;
    const until = clock.now() + limitMs;
    await this.#main?.finish(limitMs, signal);
    await this.#alt?.stopAccepting();
    await this.#alt?.finish(Math.max(0, until - clock.now()), signal);
    await this.#spans?.flush(signal);
  }
}
