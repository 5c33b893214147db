/**
 * Counts of an API, if its configuration enables them: requests, filters, and calls of its managers and app to other
 * services. If not enabled, nothing wraps the app.
 */
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { type App, afterResponse, environ } from '../../app/index.js';
import {
  answeredStatus,
  beganAt,
  exchangeOf,
  noteBegin,
  sentBytes,
  takesOwnSlot,
  withSlot,
} from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import {
  type Counted,
  type Distribution,
  type FailedRequests,
  Meter,
  metricsOptions,
  type ShownRefusals,
} from '../../counts/index.js';
import type { Logger } from '../../log/index.js';
import { callsProvider, type RemoteCalls } from '../../managers/index.js';
import type { OwnRPCClients } from '../../service/index.js';
import type { RunListener } from '../../tasks/index.js';
import type { ConnectionReport } from '../connections/connection-report.js';
import { countedMethod } from '../requests/server-failures.js';
import type { Server } from '../server.js';
import { type PipelineProbes, pipelineProbes } from '../spans/filter-times.js';

/** Statuses of failing applications: an error, or too much load. */
const FAILURES = ['500', '503'];

/** Counts of the requests with one set of labels. */
type RequestCounts = Readonly<Record<'answered' | 'seconds', Distribution>>;

/** Parts of connections to brokers. */
interface Caller {
  readonly binary: string;
  readonly project: string | undefined;
  readonly log: Logger;
}

export class ApiMeter {
  readonly meter = new Meter();
  /** Counts by labels: composing the names that the meter uses takes 0.5 µs. */
  readonly #requests = new Map<string, RequestCounts>();
  /** True if the label `status` has the exact status, not its class. */
  #isExact = true;
  readonly #config: () => Config;
  readonly #server: Server;
  readonly #caller: Caller;
  /** Loaded with the first connection to a broker. */
  #calls: RemoteCalls | undefined;

  constructor(config: () => Config, server: Server, caller: Caller) {
    this.#config = config;
    this.#server = server;
    this.#caller = caller;
  }

  /** Number of requests that were cut off at the deadline of a stop or a drain. */
  get cutOffRequests(): number {
    return this.#server.cutOffRequests;
  }

  get connections(): ConnectionReport {
    return this.#server.connections;
  }

  /** Remote calls in progress; undefined if the API makes none. */
  get calls(): RemoteCalls['calls'] | undefined {
    return this.#calls?.calls;
  }

  /** Returns the problems of its connections to brokers, each once. */
  troubles(): readonly string[] {
    return this.#calls?.troubles() ?? [];
  }

  /** Failed requests of the last ten minutes, in this process. */
  get failures(): readonly FailedRequests[] {
    return this.#server.failures.list;
  }

  /** Requests refused in the last ten minutes, in this process. */
  get refusals(): readonly ShownRefusals[] {
    return this.#server.refusals.list;
  }

  /** Returns the counts since the last call; none if the configuration does not enable them. */
  take(): Counted {
    if (this.#config().group('metrics', metricsOptions).enabled) {
      for (const [reason, count] of this.#server.rejections) this.meter.follow('rejected', [reason], count);
      for (const [reason, count] of this.connections.closed) this.meter.follow('closed', [reason], count);
    }
    const { failures, refusals } = this.#server;
    return { ...this.meter.take(), failures: failures.take(), refusals: refusals.take() };
  }

  /** Counts a run of a job. */
  ran(...run: Parameters<RunListener>): void {
    if (this.#config().group('metrics', metricsOptions).enabled) this.meter.ran(...run);
  }

  /** Returns the app with counted requests. */
  around(app: App): App {
    const { enabled, status } = this.#config().group('metrics', metricsOptions);
    if (!enabled) return app;
    this.#isExact = status === 'exact';
    const inner = withSlot(app);
    const received = this.meter.distribution('received', []);
    const sent = this.meter.distribution('sent', []);
    return takesOwnSlot((req, res) => {
      const begun = performance.now();
      const exchange = exchangeOf(req);
      noteBegin(res);
      afterResponse(res, (outcome) => {
        const known = this.#countsOf(req, answeredStatus(res, outcome));
        known.answered.sum++;
        // Not until its end: a stream, or a download, lasts as long as its client likes.
        known.seconds.observe(((beganAt(res) ?? performance.now()) - begun) / 1000);
        received.observe(exchange.bodyProgress?.received ?? 0);
        sent.observe(sentBytes(res));
      });
      return inner(req, res);
    });
  }

  /** Returns probes around the filters of each pipeline; undefined: none. */
  probes(config: Config): PipelineProbes | undefined {
    const { enabled, filters } = config.group('metrics', metricsOptions);
    if (!enabled || !filters) return undefined;
    const meter = this.meter;
    return pipelineProbes({
      filter: (pipeline, filter) => ({
        in: meter.distribution('filters', [pipeline, filter, 'in']),
        out: meter.distribution('filters', [pipeline, filter, 'out']),
        errors: meter.distribution('filterErrors', [pipeline, filter]),
      }),
      application: (pipeline) => meter.distribution('application', [pipeline]),
    });
  }

  /** Returns counted clients of other services for this configuration. Opens no connection by itself. */
  async connect(config: Config): Promise<OwnRPCClients> {
    const { binary, project, log } = this.#caller;
    this.#calls ??= (await callsProvider(config)).calls(this.meter);
    return this.#calls.connect(config, { project, name: `${binary}@${hostname()}:${process.pid}`, log });
  }

  #countsOf(req: IncomingMessage, status: number): RequestCounts {
    const { route: matched } = environ(req);
    const method = countedMethod(req, matched);
    const route = matched?.template ?? '-';
    const told = this.#isExact ? String(status) : `${Math.floor(status / 100)}xx`;
    const key = `${told} ${method} ${route}`;
    const known = this.#requests.get(key);
    if (known !== undefined) return known;
    const fresh = {
      answered: this.meter.distribution('answered', [method, route, told]),
      seconds: this.meter.distribution('durations', [method, route]),
    };
    this.#requests.set(key, fresh);
    // Starts at 0, so that a route's first failures appear as an increase.
    for (const first of this.#isExact ? FAILURES : ['5xx']) this.meter.distribution('answered', [method, route, first]);
    return fresh;
  }
}
