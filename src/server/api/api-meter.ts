/**
 * Counts of an API, where its configuration asks for them: its requests, its filters, and the calls to other services
 * that its managers and its app make. If it does not, nothing is put around an app.
 */
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { type App, afterResponse, environ } from '../../app/index.js';
import { answeredStatus, exchangeOf, sentBytes, takesOwnSlot, withSlot } from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import { bucketsOf, type Counted, type Distribution, Meter, metricsOptions } from '../../metrics/index.js';
import type { CallMeter } from '../../rpc/internal.js';
import type { OwnRPCClients } from '../../service/index.js';
import type { Server } from '../server.js';
import { type PipelineProbes, pipelineProbes } from '../spans/filter-times.js';

/** The methods that are told apart: which one a request has is for its client to say. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Statuses of applications that fail: by an error, or for more work than they can take. */
const FAILURES = ['500', '503'];

/** Distributions of the requests under one set of labels. */
interface RequestDistributions {
  readonly seconds: Distribution;
  readonly requestBytes: Distribution;
  readonly responseBytes: Distribution;
}

/** Parts that connections to brokers are made of. */
interface Caller {
  readonly binary: string;
  readonly project: string | undefined;
  readonly log: Logger;
}

export class ApiMeter {
  readonly meter = new Meter();
  /** By labels: the names that the meter knows them by take 0.5 µs to put together. */
  readonly #requests = new Map<string, RequestDistributions>();
  /** The label `status` is no class. */
  #isExact = true;
  readonly #config: Config;
  readonly #server: Server;
  readonly #caller: Caller;
  /** Loaded with the first connection to a broker. */
  #calls: CallMeter | undefined;
  /** Troubles of each open connection. */
  readonly #troubles = new Set<() => readonly string[]>();

  constructor(config: Config, server: Server, caller: Caller) {
    this.#config = config;
    this.#server = server;
    this.#caller = caller;
  }

  /** Requests that wait for their turn. */
  get queued(): number {
    return this.#server.queued;
  }

  /** Open connections. */
  get connections(): number {
    return this.#server.connectionCount;
  }

  get lacksDescriptors(): boolean {
    return this.#server.lacksDescriptors;
  }

  /** Remote calls that are under way; undefined where none can be. */
  get calls(): CallMeter['calls'] | undefined {
    return this.#calls?.calls;
  }

  /** Troubles of its connections to brokers, each once. */
  troubles(): readonly string[] {
    return [...new Set([...this.#troubles].flatMap((tell) => tell()))];
  }

  /** Counts since the last reading; none while the configuration does not ask for them. */
  take(): Counted {
    if (this.#enabled) {
      for (const [reason, count] of this.#server.rejections) this.meter.follow('rejected', [reason], count);
    }
    return this.meter.take();
  }

  /** The app, with its requests counted. */
  around(app: App): App {
    const { enabled, status } = this.#config.group('metrics', metricsOptions);
    if (!enabled) return app;
    this.#isExact = status === 'exact';
    this.#useBuckets();
    const inner = withSlot(app);
    return takesOwnSlot((req, res) => {
      const begun = performance.now();
      const exchange = exchangeOf(req);
      afterResponse(res, (outcome) => {
        const known = this.#distributionsOf(req, answeredStatus(res, outcome));
        known.seconds.observe((performance.now() - begun) / 1000);
        known.requestBytes.observe(exchange.body?.received ?? 0);
        known.responseBytes.observe(sentBytes(res));
      });
      return inner(req, res);
    });
  }

  /** Probes around the filters of each pipeline; undefined: none. */
  probes(config: Config): PipelineProbes | undefined {
    const { enabled, filters } = config.group('metrics', metricsOptions);
    if (!enabled || !filters) return undefined;
    const meter = this.meter;
    this.#useBuckets();
    return pipelineProbes({
      filter: (pipeline, filter) => ({
        in: meter.distribution('filters', [pipeline, filter, 'in']),
        out: meter.distribution('filters', [pipeline, filter, 'out']),
        failed: countOf(meter.distribution('filterErrors', [pipeline, filter])),
      }),
      application: (pipeline) => meter.distribution('application', [pipeline]),
    });
  }

  /** A way to other services with this configuration, counted. Opens nothing by itself. */
  async connect(config: Config): Promise<OwnRPCClients> {
    const { CallMeter, RPCConnection } = await import('../../rpc/internal.js');
    const { binary, project, log } = this.#caller;
    this.#calls ??= new CallMeter({ meter: this.meter });
    const name = `${binary}@${hostname()}:${process.pid}`;
    const connection = new RPCConnection({ config, project, name, log }, this.#calls.use(config));
    const tell = (): readonly string[] => connection.troubles;
    this.#troubles.add(tell);
    return {
      isInProcess: connection.isInProcess,
      client: (options) => connection.client(options),
      notifier: (options) => connection.notifier(options),
      close: async () => {
        this.#troubles.delete(tell);
        await connection.close();
      },
    };
  }

  /** Counters that exist keep their buckets: others need a restart. */
  #useBuckets(): void {
    if (this.meter.buckets.length === 0) this.meter.buckets = bucketsOf(this.#config);
  }

  get #enabled(): boolean {
    return this.#config.group('metrics', metricsOptions).enabled;
  }

  #distributionsOf(req: IncomingMessage, status: number): RequestDistributions {
    const method = req.method !== undefined && METHODS.has(req.method) ? req.method : 'other';
    const route = environ(req).route?.template ?? '-';
    const told = this.#isExact ? String(status) : `${Math.floor(status / 100)}xx`;
    if (status === 429) this.meter.count('rejected', ['rate limit']);
    const key = `${told} ${method} ${route}`;
    const known = this.#requests.get(key);
    if (known !== undefined) return known;
    const labels = [method, route, told];
    const fresh = {
      seconds: this.meter.distribution('requests', labels),
      requestBytes: this.meter.distribution('requestBytes', labels),
      responseBytes: this.meter.distribution('responseBytes', labels),
    };
    this.#requests.set(key, fresh);
    // From 0, so that the first failures of a route are seen as a rise.
    for (const first of this.#isExact ? FAILURES : ['5xx']) this.meter.distribution('requests', [method, route, first]);
    return fresh;
  }
}

function countOf(counter: Distribution): () => void {
  return () => {
    counter.sum++;
  };
}
