/**
 * Counts remote calls, if `[metrics]` enables it.
 */
import type { Config } from 'portico/config';
import {
  type Counted,
  type FailedRequests,
  Meter,
  maskUris,
  metricsOptions,
  NotedFailures,
  type OpenCall,
  type SendKind,
} from 'portico/extension';
import type { RunListener } from 'portico/tasks';
import { failureOf } from './message/failure.js';

/** Errors of a server, by the codes `PORTICO_RPC_…`, that callers tell apart from those of methods. */
const OF_SERVERS: ReadonlySet<string> = new Set([
  'bad_arguments',
  'no_such_method',
  'shutting_down',
  'unsupported_version',
]);

/** Reasons to drop a message, for the metric and the log. */
export const DROPS = {
  duplicate: 'it is a duplicate',
  expired: 'its caller no longer waits',
  cancelled: 'its caller cancelled it',
  stopping: 'the service is stopping',
};
export type DropReason = keyof typeof DROPS;

const DEATHS = ['unreadable', 'failed'] as const;

/** A call whose method runs. */
interface RunningCall {
  readonly method: SendKind;
  /** `images.resize`. */
  readonly path: string;
  readonly since: number;
  readonly requestId: string | undefined;
}

/** A call to count. */
interface Served<T> {
  readonly run: () => Promise<T>;
  readonly isExpected: (error: unknown) => boolean;
  readonly requestId?: string | undefined;
}

export class CallMeter {
  /** Number of calls of this process that wait for their replies. */
  pending = 0;
  /** Failed calls of methods of this process; counted also if the configuration does not enable it. */
  readonly failed = new CallFailures();
  /** True if the configuration enables counting. */
  isOn = false;
  /** Returns the problem of the connection to the broker, and the topics whose calls have become dead letters. */
  readonly troubles: () => readonly string[];
  readonly #meter: Meter;
  /** Calls whose method runs, oldest first. */
  readonly #running = new Set<RunningCall>();

  constructor({
    meter = new Meter(),
    troubles = () => [],
  }: { readonly meter?: Meter; readonly troubles?: () => readonly string[] } = {}) {
    this.#meter = meter;
    this.troubles = () => [...troubles(), ...this.failed.deadLetters];
  }

  /** Applies a configuration. */
  use(config: Config): this {
    this.isOn = config.group('metrics', metricsOptions).enabled;
    return this;
  }

  /** Counts a run of a job. */
  ran(...run: Parameters<RunListener>): void {
    if (this.isOn) this.#meter.ran(...run);
  }

  /** Failed calls of the last ten minutes, in this process. */
  get failures(): readonly FailedRequests[] {
    return this.failed.list;
  }

  /** Returns the counts since the last call. */
  take(): Counted {
    return { ...this.#meter.take(), failures: this.failed.take() };
  }

  /** Present figures of the process, and the calls that it runs as `api-cli requests` shows them. */
  get calls(): { readonly running: number; readonly pending: number; readonly open: readonly OpenCall[] } {
    const now = performance.now();
    const open = [...this.#running].map(({ since, ...call }) => {
      return { ...call, ageMs: now - since, state: 'handler' as const, stateMs: now - since };
    });
    return { running: open.length, pending: this.pending, open };
  }

  async sent<T>(kind: SendKind, topic: string, method: string, send: () => Promise<T>): Promise<T> {
    this.pending += 1;
    try {
      return await this.#timed('callsMade', [kind, topic, method], send, outcomeOf);
    } finally {
      this.pending -= 1;
    }
  }

  async served<T>(kind: SendKind, topic: string, method: string, served: Served<T>): Promise<T> {
    const { run, isExpected, requestId } = served;
    const call = { method: kind, path: `${topic}.${method}`, since: performance.now(), requestId };
    this.#running.add(call);
    try {
      return await this.#timed('callsServed', [kind, topic, method], run, (error) =>
        isExpected(error) ? 'expected' : 'failed',
      );
    } finally {
      this.#running.delete(call);
    }
  }

  /** Starts the counters of a served topic at 0, so that a rate includes the first count. */
  serves(topic: string): void {
    for (const reason of Object.keys(DROPS)) this.#meter.distribution('callsDropped', [topic, reason]);
    for (const reason of DEATHS) this.#meter.distribution('callsDead', [topic, reason]);
    this.#meter.distribution('callsRedelivered', [topic]);
    this.#meter.distribution('repliesLost', [topic]);
  }

  /** Counts a dropped message: a duplicate, or one that no caller waits for. */
  dropped(topic: string, reason: DropReason): void {
    this.#meter.count('callsDropped', [topic, reason]);
  }

  redelivered(topic: string): void {
    this.#meter.count('callsRedelivered', [topic]);
  }

  died(topic: string, reason: (typeof DEATHS)[number]): void {
    this.#meter.count('callsDead', [topic, reason]);
  }

  /** Counts a reply that was not delivered. */
  lost(topic: string): void {
    this.#meter.count('repliesLost', [topic]);
  }

  async #timed<T>(
    metric: 'callsMade' | 'callsServed',
    labels: readonly string[],
    work: () => Promise<T>,
    failed: (error: unknown) => string,
  ): Promise<T> {
    const begun = performance.now();
    let outcome = 'ok';
    try {
      return await work();
    } catch (error) {
      outcome = failed(error);
      throw error;
    } finally {
      this.#meter.distribution(metric, [...labels, outcome]).observe((performance.now() - begun) / 1000);
    }
  }
}

/** Returns the outcome of a failed call. A code of another service does not count: each would be a separate series. */
function outcomeOf(error: unknown): string {
  const { code, remote } = (error ?? {}) as { readonly code?: unknown; readonly remote?: unknown };
  const name = typeof code === 'string' && /^PORTICO_RPC_([A-Z_]+)$/.exec(code)?.[1]?.toLowerCase();
  if (remote === true) return name && OF_SERVERS.has(name) ? name : 'remote_error';
  return name || 'failed';
}

/** Longest reason of a dead letter. */
const REASON_CHARACTERS = 300;

/** Time for which the status names dead letters, as failures. */
const DEAD_SHOWN_MS = 600_000;

/** The errors of the methods of a service that its server did not expect, as of the requests of an API. */
export class CallFailures extends NotedFailures {
  /** When the last call of a topic became a dead letter. */
  readonly #dead = new Map<string, number>();

  /** Notes a dead letter of this process. Those that the broker makes, of calls that waited too long, are only known there. */
  died(topic: string): void {
    this.#dead.set(topic, performance.now());
  }

  /** The topics whose calls have become dead letters within ten minutes: without a number, so that the workers of a service say the same. */
  get deadLetters(): readonly string[] {
    const since = performance.now() - DEAD_SHOWN_MS;
    const topics = [...this.#dead].flatMap(([topic, at]) => (at > since ? topic : []));
    return topics.map((topic) => `calls of ${topic} became dead letters: api-cli rpc dead list --topic ${topic}`);
  }

  /** Notes a failed call of `books.sync`: topic and method, with the id of the request that caused it. */
  note(method: string, error: unknown, requestId: string | undefined): void {
    this.noteFailure(`call ${method}`, { error }, requestId);
  }
}

/** Returns the reason of a dead letter for operators. */
export function deathReason(error: unknown): string {
  const { type, message } = failureOf(error, { host: '', binary: '' });
  return `failed: ${type}: ${maskUris(message)}`.slice(0, REASON_CHARACTERS);
}
