/**
 * What a service serves: its topic, and the second one, on which operations that end can still be spoken to.
 */
import { ConfigurationRefused } from '../../errors/index.js';
import type { TaskTracker } from '../../service/index.js';
import type { CallSpans } from '../call-spans.js';
import type { RPCConnection } from '../client/rpc-connection.js';
import type { Transport } from '../transport/transport.js';
import { Endpoints } from './endpoints.js';
import { RpcServer } from './rpc-server.js';

/** What {@link ServedTopics} are made of. */
export interface ServedTopicsOptions {
  readonly connection: RPCConnection;
  readonly topic: string;
  readonly altTopic: string | null;
  readonly host: string;
  readonly binary: string;
  readonly endpoints: readonly object[];
  readonly tracker: TaskTracker;
  /** Instead of what the configuration says. */
  readonly poolSize: number | undefined;
}

/** The servers of one service, for one run. */
export class ServedTopics {
  readonly #options: ServedTopicsOptions;
  #main: RpcServer | undefined;
  #alt: RpcServer | undefined;
  #spans: CallSpans | undefined;

  constructor(options: ServedTopicsOptions) {
    this.#options = options;
  }

  /**
   * Settles when calls can come. Waits for a broker that is away; rejects with `DeliveryFailure` when that takes longer than
   * `[rpc] start_wait`, and as `Endpoints` for methods that cannot be served. On failure nothing is consumed.
   */
  async start(aborted: AbortSignal): Promise<void> {
    const { connection, topic, altTopic, endpoints } = this.#options;
    const { accessPolicy, startWaitMs, transport: settings } = connection.settings;
    const served = new Endpoints(endpoints, accessPolicy);
    const late = served.methods.find(({ options }) => options.ack === 'late');
    if (late !== undefined && settings.queueType !== 'quorum') {
      throw new ConfigurationRefused('PORTICO_RPC_METHOD', {
        message: `${late.name} is acknowledged late, and [rpc] queue_type is ${settings.queueType}`,
        hint: 'Only quorum queues count how often a message came back.',
      });
    }
    this.#spans = await connection.spans;
    const transport = await connection.connected(startWaitMs, aborted);
    this.#main = this.#server(topic, served, transport);
    await this.#main.start();
    if (altTopic === null) return;
    const continuations = new Endpoints(endpoints, accessPolicy, ({ continuation }) => continuation === true);
    this.#alt = this.#server(altTopic, continuations, transport);
    try {
      await this.#alt.start();
    } catch (error) {
      await this.#main.stopAccepting();
      await this.#main.finish(0, aborted);
      throw error;
    }
  }

  /** Nothing new on the first topic. Continuations still come. */
  async stopAccepting(): Promise<void> {
    await this.#main?.stopAccepting();
  }

  /** Settles when handlers have ended, those of the second topic last: see `RpcServer.finish`. The limit is that of both. */
  async finish(limitMs: number, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#options.connection;
    const until = clock.now() + limitMs;
    await this.#main?.finish(limitMs, signal);
    await this.#alt?.stopAccepting();
    await this.#alt?.finish(Math.max(0, until - clock.now()), signal);
    await this.#spans?.flush(signal);
  }

  #server(topic: string, endpoints: Endpoints, transport: Transport): RpcServer {
    const { connection, host, binary, tracker, poolSize } = this.#options;
    const { settings, serializer, log, clock, meter } = connection;
    return new RpcServer({
      transport,
      topic,
      endpoints,
      host,
      binary,
      tracker,
      serializer,
      log,
      clock,
      meter,
      spans: this.#spans,
      exchange: settings.exchange,
      poolSize: poolSize ?? settings.poolSize,
      prefetch: poolSize ?? settings.prefetch,
      format: settings.format,
      replyRetryMs: settings.replyRetryMs,
      sendStack: settings.sendStack,
    });
  }
}
