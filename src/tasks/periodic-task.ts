/**
 * A periodic task: the mark on a method that is to run every so often, and its place in the schedule.
 */
import { didYouMean, errorText, isObject, PorticoError, unknownOption, whatItIs } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { type Clock, within } from './clock.js';

/** How often a periodic task runs, and where. */
export interface PeriodicTaskOptions {
  /** Seconds from start to start. Default, and for 0: 60. Negative: the task is not run. */
  readonly spacing?: number;
  /** Default: the method's name. The schedule is kept under it; a subclass's task of the same name replaces it. */
  readonly name?: string;
  /** True: due at the first pass. Default false: one `spacing` after it. */
  readonly runImmediately?: boolean;
  /** False, or a function of the configuration that gives false: the task is not run. Asked once, when collected. */
  readonly enabled?: boolean | ((conf: unknown) => boolean);
  /** The largest random delay of a run, as a part of the spacing. Default 0.05; it comes in whole seconds. */
  readonly jitter?: number;
  /** Seconds after which its signal is raised and the others no longer wait for it. Default: none. */
  readonly timeout?: number;
  /** `cluster`: on one host at a time, by a lease in the service registry. Default: everywhere. */
  readonly exclusive?: 'cluster';
  /** True: left out where `run_external_periodic_tasks` is false, because another process does the work. */
  readonly externalProcessOk?: boolean;
  /** `worker` (default): in every worker process. `first-worker`: only in worker 0 of its service. */
  readonly scope?: 'worker' | 'first-worker';
  /** True: the tasks behind it do not wait for it. It never overlaps itself. Default false: one after another. */
  readonly concurrent?: boolean;
}

/** Seconds between two runs where nothing else is said, and the longest idle time between two passes. */
export const DEFAULT_INTERVAL = 60;

/** A periodic task was declared with an option that does not exist, or on something that is no method. */
export class InvalidPeriodicTaskArg extends PorticoError {
  constructor(message: string, hint?: string) {
    super('PORTICO_INVALID_PERIODIC_TASK_ARG', { message, hint });
  }
}

// Any function may be marked; `never` is what every parameter list accepts.
type Method = (this: never, ...args: never[]) => unknown;
type Mark = <F extends Method>(method: F, context?: ClassMethodDecoratorContext) => F;

const PERIODIC: unique symbol = Symbol('portico.periodicTask');

/**
 * Marks a method as a periodic task: `@periodicTask`, or `@periodicTask({ spacing: 10 })`. It neither registers nor
 * wraps the method; `new PeriodicTasks(object)` collects the marked methods. The method is called with the context of the
 * pass and `{ signal }`. Throws {@link InvalidPeriodicTaskArg} for an unknown option.
 */
export function periodicTask<F extends Method>(method: F, context: ClassMethodDecoratorContext): F;
export function periodicTask(options?: PeriodicTaskOptions): Mark;
export function periodicTask(
  first: Method | PeriodicTaskOptions = {},
  context?: ClassMethodDecoratorContext,
): Method | Mark {
  checkStandard(context);
  if (typeof first === 'function') return mark(first, {}, context);
  const options = checkedOptions(first);
  return <G extends Method>(method: G, of?: ClassMethodDecoratorContext): G => mark(method, options, of);
}

/** Options that a function was marked with; undefined for an unmarked one. */
export function periodicOptions(fn: unknown): PeriodicTaskOptions | undefined {
  return typeof fn === 'function' ? (fn as { [PERIODIC]?: PeriodicTaskOptions })[PERIODIC] : undefined;
}

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === 'number' && !Number.isNaN(value);
const isBoolean: Check = (value) => typeof value === 'boolean';

const SCOPES = ['worker', 'first-worker'];

/** Each option with what its value has to be. */
const OPTIONS: Readonly<Record<keyof PeriodicTaskOptions, readonly [what: string, check: Check]>> = {
  spacing: ['a number of seconds', isNumber],
  name: ['a non-empty string', (value) => typeof value === 'string' && value !== ''],
  runImmediately: ['true or false', isBoolean],
  enabled: [
    'true, false, or a function of the configuration',
    (value) => isBoolean(value) || typeof value === 'function',
  ],
  jitter: ['a number from 0 to 1', (value) => isNumber(value) && (value as number) >= 0 && (value as number) <= 1],
  timeout: ['a number of seconds above 0', (value) => isNumber(value) && (value as number) > 0],
  exclusive: ['"cluster"', (value) => value === 'cluster'],
  externalProcessOk: ['true or false', isBoolean],
  scope: ['"worker" or "first-worker"', (value) => SCOPES.includes(value as string)],
  concurrent: ['true or false', isBoolean],
};

/** Of the options whose values are names: those there are. */
const NAMES: Readonly<Record<string, readonly string[]>> = { scope: SCOPES, exclusive: ['cluster'] };

/** The options again; throws {@link InvalidPeriodicTaskArg} when there is one that does not exist or cannot be. */
export function checkedOptions(options: PeriodicTaskOptions): PeriodicTaskOptions {
  if (!isObject(options)) {
    throw new InvalidPeriodicTaskArg(
      `The options of a periodic task are an object, not ${whatItIs(options)}.`,
      'Write @periodicTask, or @periodicTask({ spacing: 10 }).',
    );
  }
  const unknown = unknownOption(options, Object.keys(OPTIONS));
  if (unknown !== undefined) {
    throw new InvalidPeriodicTaskArg(`Unexpected argument for periodic task creation: ${unknown.name}.`, unknown.hint);
  }
  for (const [name, [what, check]] of Object.entries(OPTIONS)) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || check(value)) continue;
    const hint = typeof value === 'string' ? didYouMean(value, NAMES[name] ?? []) : undefined;
    throw new InvalidPeriodicTaskArg(`The ${name} of a periodic task is ${what}, not ${whatItIs(value)}.`, hint);
  }
  return options;
}

function mark<F extends Method>(method: F, options: PeriodicTaskOptions, of?: ClassMethodDecoratorContext): F {
  checkStandard(of);
  if (typeof method !== 'function' || of?.static === true || of?.private === true) {
    throw new InvalidPeriodicTaskArg(`A periodic task is a public method, not ${String(of?.name ?? typeof method)}.`);
  }
  Object.defineProperty(method, PERIODIC, { value: options });
  return method;
}

/** The decorators of `experimentalDecorators` are called with a class's prototype and a name: the task would be lost. */
function checkStandard(context: ClassMethodDecoratorContext | undefined): void {
  if (context === undefined || typeof context === 'object') return;
  throw new InvalidPeriodicTaskArg(
    `The periodic task ${String(context)} uses a legacy decorator.`,
    'Remove experimentalDecorators from tsconfig.json.',
  );
}

/** State of a periodic task; times in seconds, relative to now. */
export interface PeriodicStatus {
  readonly name: string;
  readonly spacing: number;
  readonly running: boolean;
  readonly runs: number;
  readonly errors: number;
  /** Seconds since the last run began; absent before the first. */
  readonly lastStartAgo?: number;
  /** Seconds since the last run ended. */
  readonly lastEndAgo?: number;
  readonly lastError?: string;
  /** Seconds until the next run is due; 0 or less: due; absent before the first pass. */
  readonly nextIn?: number;
}

/** Parts of a slot. */
export interface SlotSpec {
  readonly name: string;
  /** `Class.name`, for logs. */
  readonly fullName: string;
  readonly call: (context: unknown, options: { signal: AbortSignal }) => unknown;
  readonly settings: PeriodicTaskOptions;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly lease: ((task: string, seconds: number) => Promise<boolean>) | undefined;
}

/** The part of the spacing by which runs are delayed at random, so that a fleet does not act in step. */
const DEFAULT_JITTER = 0.05;

export class PeriodicSlot {
  readonly name: string;
  readonly fullName: string;
  readonly settings: PeriodicTaskOptions;
  /** Seconds from start to start. */
  spacing: number;
  readonly #spec: SlotSpec;
  /** Undefined before the first pass; null: never ran and is due. The start of the counting, in seconds. */
  #lastRun: number | null | undefined;
  #began: number | undefined;
  #ended: number | undefined;
  #lastError: string | undefined;
  #runs = 0;
  #errors = 0;
  #current: Promise<void> | undefined;

  constructor(spec: SlotSpec) {
    this.name = spec.name;
    this.fullName = spec.fullName;
    this.settings = spec.settings;
    this.spacing = spec.settings.spacing || DEFAULT_INTERVAL;
    this.#spec = spec;
  }

  /** True while a run has not ended: only of a concurrent task, or of one that passed its time limit. */
  get running(): boolean {
    return this.#current !== undefined;
  }

  /** Settles when the current run has ended. */
  get settled(): Promise<void> {
    return this.#current ?? Promise.resolve();
  }

  /** Seconds until the task is due; 0 or less: now. The first call, in the first pass, begins the schedule. */
  remaining(now: number): number {
    if (this.#lastRun === undefined) this.#lastRun = this.settings.runImmediately === true ? null : now;
    if (this.#lastRun === null) return 0;
    const remaining = this.#lastRun + this.spacing - now;
    // A microsecond is what adding fractions leaves behind.
    return remaining < 1e-6 ? Math.min(0, remaining) : remaining;
  }

  /** Counts the run that is to begin, on the grid of the first: missed ones collapse into one. */
  advance(now: number): void {
    if (this.#lastRun === null || this.#lastRun === undefined) {
      this.#lastRun = now;
      return;
    }
    // Whole seconds, so there is none for a spacing of 20 s or less: acting in step does no harm there.
    const jitter = Math.floor(this.spacing * this.#spec.random() * (this.settings.jitter ?? DEFAULT_JITTER));
    // The nearest boundary behind us; not the one before it when the clock is on a boundary but for rounding.
    const passed = Math.max(1, Math.floor((now - this.#lastRun) / this.spacing + 1e-9));
    this.#lastRun += passed * this.spacing + jitter;
  }

  /** Runs the task. Settles when it ended, or need not be waited for; rejects only with `raiseOnError`. */
  async run(context: unknown, options: { raiseOnError?: boolean; signal?: AbortSignal }): Promise<void> {
    const { timeout } = this.settings;
    const expired = new AbortController();
    const stop = (): void => expired.abort(options.signal?.reason);
    if (options.signal?.aborted === true) stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    const raised = this.#run(context, expired.signal).then((error) => {
      options.signal?.removeEventListener('abort', stop);
      if (error !== undefined && options.raiseOnError === true) throw error.thrown;
    });
    const { clock } = this.#spec;
    const ended =
      timeout === undefined
        ? raised
        : within(raised, { ms: timeout * 1000, clock, unref: true }, () => this.#expire(timeout, expired));
    if (this.settings.concurrent !== true) return ended;
    ended.catch(() => {});
  }

  status(now: number): PeriodicStatus {
    return {
      name: this.name,
      spacing: this.spacing,
      running: this.running,
      runs: this.#runs,
      errors: this.#errors,
      ...(this.#began === undefined ? {} : { lastStartAgo: now - this.#began }),
      ...(this.#ended === undefined ? {} : { lastEndAgo: now - this.#ended }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(this.#lastRun === undefined ? {} : { nextIn: this.remaining(now) }),
    };
  }

  /** Settles, never rejects, when the run has ended: with its error, if it had one. */
  #run(context: unknown, signal: AbortSignal): Promise<{ thrown: unknown } | undefined> {
    const { clock, log, call } = this.#spec;
    const cancel = clock.after(
      2 * this.spacing * 1000,
      () => log.warn(`Periodic task ${this.fullName} is running for more than twice its spacing of ${this.spacing} s`),
      { unref: true },
    );
    const work = async (): Promise<{ thrown: unknown } | undefined> => {
      try {
        if (!(await this.#mayRun())) return undefined;
        this.#began = clock.now() / 1000;
        this.#runs++;
        await call(context, { signal });
        this.#lastError = undefined;
        return undefined;
      } catch (error) {
        this.#errors++;
        this.#lastError = errorText(error);
        log.error(`Error during ${this.fullName}`, { err: error });
        return { thrown: error };
      } finally {
        cancel();
        this.#ended = clock.now() / 1000;
        this.#current = undefined;
      }
    };
    // Set before the work begins: it may end within the same turn.
    let ended!: () => void;
    this.#current = new Promise<void>((resolve) => {
      ended = resolve;
    });
    return work().finally(ended);
  }

  #warnedOfLease = false;

  async #mayRun(): Promise<boolean> {
    const { lease, fullName } = this.#spec;
    if (this.settings.exclusive !== 'cluster') return true;
    if (lease !== undefined) return lease(fullName, 2 * this.spacing);
    if (!this.#warnedOfLease) {
      this.#warnedOfLease = true;
      const text = `Periodic task ${fullName} is exclusive in the cluster, and there is no registry: it runs on every host`;
      this.#spec.log.warn(`${text}. Name one in [servicegroup].`);
    }
    return true;
  }

  /** Raises the signal of a run that takes too long. Nothing kills it; until it ends there is no next one. */
  #expire(seconds: number, expired: AbortController): void {
    this.#spec.log.error(`Periodic task ${this.fullName} exceeded its limit of ${seconds} s`);
    expired.abort(new DOMException(`the periodic task exceeded its limit of ${seconds} s`, 'TimeoutError'));
  }
}
