/**
 * Counts remote calls, where `[metrics]` asks for that.
 */
import type { Config } from '../config/index.js';
import { bucketsOf, type Counted, Meter, metricsOptions } from '../metrics/index.js';
import { errorCodes } from './error-codes.js';

/** Whether a reply is waited for. */
export type SendKind = 'call' | 'cast';

export class CallMeter {
  /** Methods that run for others. */
  running = 0;
  /** Calls of this process that wait for their replies. */
  pending = 0;
  /** Whether the configuration asks for it. */
  isOn = false;
  /** What is wrong with the connection to the broker. */
  readonly troubles: () => readonly string[];
  readonly #meter: Meter;

  constructor({
    meter = new Meter(),
    troubles = () => [],
  }: { readonly meter?: Meter; readonly troubles?: () => readonly string[] } = {}) {
    this.#meter = meter;
    this.troubles = troubles;
  }

  /** Takes up a configuration. */
  use(config: Config): this {
    this.isOn = config.group('metrics', metricsOptions).enabled;
    // What is counted already is counted by the first ones: others need a restart.
    if (this.#meter.buckets.length === 0) this.#meter.buckets = bucketsOf(config);
    return this;
  }

  /** What has come since it was asked last. */
  take(): Counted {
    return this.#meter.take();
  }

  /** What the process tells of it at any time. */
  get calls(): { readonly running: number; readonly pending: number } {
    const { running, pending } = this;
    return { running, pending };
  }

  async sent<T>(kind: SendKind, topic: string, method: string, send: () => Promise<T>): Promise<T> {
    this.pending += 1;
    const begun = performance.now();
    const end = (outcome: string): void => {
      this.pending -= 1;
      this.#meter.distribution('callsMade', [kind, topic, method, outcome]).observe((performance.now() - begun) / 1000);
    };
    try {
      const result = await send();
      end('ok');
      return result;
    } catch (error) {
      end(outcomeOf(error));
      throw error;
    }
  }

  async served<T>(
    kind: SendKind,
    topic: string,
    method: string,
    { run, isExpected }: { readonly run: () => Promise<T>; readonly isExpected: (error: unknown) => boolean },
  ): Promise<T> {
    this.running += 1;
    const begun = performance.now();
    const end = (outcome: string): void => {
      this.running -= 1;
      this.#meter
        .distribution('callsServed', [kind, topic, method, outcome])
        .observe((performance.now() - begun) / 1000);
    };
    try {
      const result = await run();
      end('ok');
      return result;
    } catch (error) {
      end(isExpected(error) ? 'expected' : 'failed');
      throw error;
    }
  }

  /** A message that is not begun: it came before, or nothing waits for it. */
  dropped(topic: string, reason: string): void {
    this.#meter.count('callsDropped', [topic, reason]);
  }

  redelivered(topic: string): void {
    this.#meter.count('callsRedelivered', [topic]);
  }

  /** `reason`: `unreadable` or `failed`. */
  died(topic: string, reason: string): void {
    this.#meter.count('callsDead', [topic, reason]);
  }
}

/**
 * `timeout`, `no_servers`, `remote_error`, as the code of the error has it; `failed` for others. A code that another service
 * made up is none: each would be a series.
 */
function outcomeOf(error: unknown): string {
  const { code, remote } = (error ?? {}) as { readonly code?: unknown; readonly remote?: unknown };
  const own = typeof code === 'string' && Object.hasOwn(errorCodes, code) && /^PORTICO_RPC_(\w+)$/.exec(code)?.[1];
  return own ? own.toLowerCase() : remote === true ? 'remote_error' : 'failed';
}
