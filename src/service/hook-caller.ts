/** The hooks of managers: their names, checks, and calls with a timeout. */
import { ConfigurationRefused, nearestNames, PorticoError, whatItIs } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Clock } from '../tasks/index.js';
import { within } from '../tasks/internal.js';
import type { Manager } from './manager.js';

/** The hooks of a manager. */
export type HookName = 'initHost' | 'preStartHook' | 'postStartHook' | 'gracefulShutdown' | 'cleanupHost' | 'reset';

/** The names of all hooks. */
const HOOK_NAMES: readonly HookName[] = Object.freeze([
  'initHost',
  'preStartHook',
  'postStartHook',
  'gracefulShutdown',
  'cleanupHost',
  'reset',
]);

/** Shorter method names are not compared with hook names, because they are close to unrelated words. */
const LONG_NAME = 8;

/**
 * Throws `PORTICO_MANAGER` for a hook that is not a function or for invalid `periodicTasks`; warns about methods with names similar to a
 * hook's.
 */
export function checkHooks(service: string, manager: Manager, log: Logger): void {
  const named = manager.constructor?.name;
  const who = named === undefined || named === 'Object' ? 'the manager' : `the manager ${named}`;
  for (const hook of HOOK_NAMES) {
    const value: unknown = manager[hook];
    if (value === undefined || typeof value === 'function') continue;
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: `${service}: ${hook} of ${who} is ${value === null ? 'null' : `a ${typeof value}`}, not a function`,
      hint: 'Hooks are optional methods: omit those that you do not need.',
    });
  }
  const { periodicTasks } = manager;
  if (periodicTasks !== undefined && typeof (periodicTasks as { status?: unknown } | null)?.status !== 'function') {
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: `${service}: periodicTasks of ${who} is ${whatItIs(periodicTasks)}, not a PeriodicTasks`,
      hint: 'Mark the methods with @periodicTask and omit it, or pass new PeriodicTasks(this).',
    });
  }
  for (const name of membersOf(manager)) {
    const hook = HOOK_NAMES.find((known) => folded(known) === folded(name)) ?? nearHook(name);
    if (hook === undefined || hook === name || manager[hook as keyof Manager] !== undefined) continue;
    log.warn(`${service}: ${who} has ${name}, which is not a hook. Did you mean the hook ${hook}?`);
  }
}

function nearHook(name: string): string | undefined {
  return name.length < LONG_NAME ? undefined : nearestNames(name, HOOK_NAMES)[0];
}

function folded(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}

/** Returns the names of the methods of an object and its classes. Calls no getter. */
function membersOf(manager: object): Set<string> {
  const names = new Set<string>();
  for (let at: object | null = manager; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name);
    }
  }
  return names;
}

/** Limits of a call to a hook. */
export interface HookLimit {
  readonly timeoutMs?: number;
  /** Aborted when there is no time left. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that a hook still has after `signal` is aborted, for hooks that release resources. Default 0. */
  readonly graceMs?: number;
}

export class HookCaller {
  readonly #service: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(service: string, options: { log: Logger; clock: Clock; timeoutMs: number }) {
    this.#service = service;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
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
