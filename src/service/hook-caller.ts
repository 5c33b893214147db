/** Calls of the hooks of managers, each with a timeout. */
import { PorticoError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Clock } from '../tasks/index.js';
import { within } from '../tasks/internal.js';
import { formatDuration } from '../text/index.js';
import type { HookName } from './load-manager.js';
import type { Manager } from './manager.js';

/** Limits of a call to a hook. */
interface HookLimit {
  readonly timeoutMs?: number;
  /** Aborted when there is no time left. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that a hook still has after `signal` is aborted, for hooks that release resources. Default 0. */
  readonly graceMs?: number;
}

/** Calls hooks with a timeout. */
export class HookCaller {
  readonly #service: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** Those that run, with the begin of each. */
  readonly #running = new Set<{ readonly hook: HookName; readonly began: number }>();

  constructor(service: string, options: { log: Logger; clock: Clock; timeoutMs: number }) {
    this.#service = service;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  /** Returns those that run, a line each. */
  describe(): string[] {
    const now = this.#clock.now();
    return [...this.#running].map(
      ({ hook, began }) => `the manager’s ${hook} (since ${formatDuration((now - began) / 1000)})`,
    );
  }

  /** Calls a hook if the manager has it. Rejects with its error, or with `PORTICO_HOOK_TIMEOUT`. */
  async call<H extends HookName>(
    manager: Manager,
    hook: H,
    args: HookArguments<H> | [] = [],
    { signal, graceMs = 0, ...limit }: HookLimit = {},
  ): Promise<void> {
    const method = manager[hook] as ((...args: readonly unknown[]) => unknown) | undefined;
    if (method === undefined) return;
    const timeoutMs = Math.min(limit.timeoutMs ?? this.#timeoutMs, this.#timeoutMs);
    const clock = this.#clock;
    const over = new AbortController();
    let cancel: (() => void) | undefined;
    const cut = (): void => {
      if (graceMs === 0) over.abort();
      else cancel = clock.after(graceMs, () => over.abort());
    };
    if (signal?.aborted === true) cut();
    signal?.addEventListener('abort', cut, { once: true });
    const running = { hook, began: clock.now() };
    this.#running.add(running);
    try {
      const called = (async () => void (await method.apply(manager, [...args])))();
      await within(called, { ms: timeoutMs, clock, signal: over.signal }, () => {
        const limited = signal?.aborted === true ? 'before the stop’s deadline' : `within ${Math.round(timeoutMs)} ms`;
        throw new PorticoError('PORTICO_HOOK_TIMEOUT', {
          message: `${this.#service}: the manager's ${hook} did not finish ${limited}`,
          hint: 'It continues in the background: a running function cannot be stopped from outside.',
        });
      });
    } finally {
      this.#running.delete(running);
      signal?.removeEventListener('abort', cut);
      cancel?.();
    }
  }

  /** Like {@link call}, for hooks whose failure must not delay the next step: logs the error and never rejects. */
  async logged<H extends HookName>(
    manager: Manager,
    hook: H,
    args?: HookArguments<H>,
    limit?: HookLimit,
  ): Promise<void> {
    try {
      await this.call(manager, hook, args, limit);
    } catch (error) {
      this.#log.error({ err: error }, `${this.#service}: the manager's ${hook} failed`);
    }
  }
}

type HookArguments<H extends HookName> = Parameters<NonNullable<Manager[H]>>;
