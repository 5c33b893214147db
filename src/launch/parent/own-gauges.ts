/** The gauges of an application, which a parent asks its workers for when it is scraped. */
import { OWN_GAUGES_TOPIC, type OwnMetric } from '../../counts/index.js';
import type { Logger } from '../../log/index.js';
import { Throttle } from '../../log/internal.js';
import type { Answer } from '../../operating/index.js';
import type { WorkerHandle } from './worker-handle.js';

/** Time between two warnings. */
const WARN_EVERY_MS = 60_000;

const HINT =
  'Sums on /metrics lack their values. Look for blocking code in the workers and for slow functions collect; use fewer labels.';

/** The part of a worker that is asked. */
type Asked = Pick<WorkerHandle, 'ask' | 'stopping'>;

export class OwnGauges {
  readonly #workers: () => readonly Asked[];
  readonly #log: Pick<Logger, 'warn'>;
  readonly #timeoutMs: number;
  readonly #missing = new Throttle(WARN_EVERY_MS);
  #reading: Promise<readonly (readonly OwnMetric[])[]> | undefined;

  /** `timeoutMs`: time that each worker has. */
  constructor(workers: () => readonly Asked[], timeoutMs: number, log: Pick<Logger, 'warn'>) {
    this.#workers = workers;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
  }

  /** Returns the gauges of each worker. Simultaneous calls share one reading: a worker reads its gauges once at a time. */
  read(): Promise<readonly (readonly OwnMetric[])[]> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<readonly (readonly OwnMetric[])[]> {
    const missing: Answer[] = [];
    const gauges = await Promise.all(
      this.#workers().map(async (worker) => {
        const answer = await worker.ask(OWN_GAUGES_TOPIC, undefined, this.#timeoutMs);
        if (answer.error === undefined) return [answer.body as readonly OwnMetric[]];
        // One that ends has no gauges any more.
        if (!worker.stopping) missing.push(answer);
        return [];
      }),
    );
    if (missing.length > 0) this.#missing.tell(() => this.#warn(missing));
    return gauges.flat();
  }

  #warn(missing: readonly Answer[]): void {
    const reasons = missing.map(({ service, workerId, pid, error }) => {
      return `worker ${workerId} of service ${service} (pid ${pid}): ${error}`;
    });
    const fields = { code: 'PORTICO_METRICS_MISSING', hint: HINT };
    this.#log.warn(fields, `the application's gauges of some workers are left out: ${reasons.join('; ')}`);
  }
}
