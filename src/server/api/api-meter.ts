/**
 * Counts the requests of an API, where its configuration asks for that. Where it does not, nothing is put around an app.
 */
import type { IncomingMessage } from 'node:http';
import { type App, afterResponse, environ, takesOwnSlot, withSlot } from '../../app/index.js';
import { answeredStatus, sentBytes } from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import { bucketsOf, type Counted, type Distribution, Meter, metricsOptions } from '../../metrics/index.js';
import { exchangeOf } from '../connections/connections.js';
import type { Server } from '../server.js';
import { ApiCalls, type ApiCallsParts } from './api-calls.js';
import { type PipelineProbes, pipelineProbes } from './filter-times.js';

/** The methods that are told apart: which one a request has is for its client to say. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** What is observed of the requests under one set of labels. */
interface RequestDistributions {
  readonly seconds: Distribution;
  readonly requestBytes: Distribution;
  readonly responseBytes: Distribution;
}

export class ApiMeter {
  readonly meter: Meter;
  readonly remote: ApiCalls;
  /** By route, method and class of status: the names that the meter knows them by take 0.5 µs to put together. */
  readonly #requests = new Map<string, Map<string, RequestDistributions[]>>();
  readonly #config: Config;
  readonly #server: Server;

  constructor(config: Config, server: Server, calls: Omit<ApiCallsParts, 'meter'>) {
    this.meter = new Meter();
    this.remote = new ApiCalls({ ...calls, meter: this.meter });
    this.#config = config;
    this.#server = server;
  }

  /** Requests that wait for their turn. */
  get queued(): number {
    return this.#server.queued;
  }

  /** Remote calls that it makes; undefined where it makes none. */
  get calls(): ApiCalls['calls'] {
    return this.remote.calls;
  }

  /** What is wrong with its connections to brokers. */
  troubles(): readonly string[] {
    return this.remote.troubles();
  }

  /** What has come since it was asked last; nothing while the configuration does not ask for it. */
  take(): Counted {
    if (this.#enabled) {
      for (const [reason, count] of this.#server.clientFaults) this.meter.follow('rejected', [reason], count);
    }
    return this.meter.take();
  }

  /** The app, with its requests counted. */
  around(app: App): App {
    if (!this.#enabled) return app;
    // What is counted already is counted by the first ones: others need a restart.
    if (this.meter.buckets.length === 0) this.meter.buckets = bucketsOf(this.#config);
    const inner = withSlot(app);
    return takesOwnSlot((req, res) => {
      const begun = performance.now();
      const exchange = exchangeOf(req);
      afterResponse(res, (outcome) => {
        const known = this.#distributionsOf(req, answeredStatus(res, outcome));
        known.seconds.observe((performance.now() - begun) / 1000);
        known.requestBytes.observe(exchange?.body?.received ?? 0);
        known.responseBytes.observe(sentBytes(res));
      });
      return inner(req, res);
    });
  }

  /** What a configuration has put around the filters of each pipeline; undefined: nothing. */
  probes(config: Config): PipelineProbes | undefined {
    const { enabled, filters } = config.group('metrics', metricsOptions);
    if (!enabled || !filters) return undefined;
    const meter = this.meter;
    return pipelineProbes((pipeline, filter) => ({
      in: meter.distribution('filters', [pipeline, filter, 'in']),
      out: meter.distribution('filters', [pipeline, filter, 'out']),
      failed: () => meter.count('filterErrors', [pipeline, filter]),
    }));
  }

  get #enabled(): boolean {
    return this.#config.group('metrics', metricsOptions).enabled;
  }

  #distributionsOf(req: IncomingMessage, status: number): RequestDistributions {
    const method = req.method !== undefined && METHODS.has(req.method) ? req.method : 'other';
    const route = environ(req).route?.template ?? '-';
    const group = Math.floor(status / 100);
    if (status === 429) this.meter.count('rejected', ['rate limit']);
    return this.#requests.get(route)?.get(method)?.[group] ?? this.#newRequests(route, method, group);
  }

  #newRequests(route: string, method: string, group: number): RequestDistributions {
    const byMethod = this.#requests.get(route) ?? new Map<string, RequestDistributions[]>();
    const labels = [method, route, `${group}xx`];
    const byGroup = byMethod.get(method) ?? [];
    byGroup[group] = {
      seconds: this.meter.distribution('requests', labels),
      requestBytes: this.meter.distribution('requestBytes', labels),
      responseBytes: this.meter.distribution('responseBytes', labels),
    };
    this.#requests.set(route, byMethod.set(method, byGroup));
    return byGroup[group];
  }
}
