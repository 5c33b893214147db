/** Periodic tasks: the decorator that marks a method, and the schedule of one task. */
import { didYouMean, errorText, isObject, PorticoError, unknownOption, whatItIs } from '../errors/index.js';
import { type Cancel, within } from './clock.js';
import { ClusterLease, type LeaseSpec } from './cluster-lease.js';
import { deferred } from './deferred.js';

/** Options of a periodic task. */
export interface PeriodicTaskOptions {
  /** Seconds from start to start. Default, and for 0: 60. Negative: the task does not run. */
  readonly spacing?: number;
  /** The task's name. Default: the method's. A task of the same name in a subclass replaces it. */
  readonly name?: string;
  /** True: due at the first pass. Default false: due one `spacing` later. */
  readonly runImmediately?: boolean;
  /**
   * False, or a function that returns false for the configuration: the task does not run. Evaluated once, when it is added. Default
   * true.
   */
  readonly enabled?: boolean | ((conf: unknown) => boolean);
  /** Maximum random delay of a run, as a fraction of the spacing, rounded down to whole seconds. Default 0.05. */
  readonly jitter?: number;
  /** Seconds after which the signal is aborted and later tasks no longer wait for the task. Default: none. */
  readonly timeout?: number;
  /**
   * `cluster`: runs on one host at a time, by a lease in the service registry, renewed during a run; the signal is aborted if it is lost.
   * Default: on every host.
   */
  readonly exclusive?: 'cluster';
  /** True: skipped if `run_external_periodic_tasks` is false, because another process does the work. */
  readonly externalProcessOk?: boolean;
  /** `worker` (default): runs in every worker process. `first-worker`: only in worker 0 of its service. */
  readonly scope?: 'worker' | 'first-worker';
  /** True: later tasks do not wait for it; it never overlaps itself. Default false: one after another. */
  readonly concurrent?: boolean;
}

/** Default spacing, and the maximum idle time between two passes, in seconds. */
export const DEFAULT_INTERVAL = 60;

/** The error for a periodic task with an invalid option, or on anything but a public method. */
export class InvalidPeriodicTaskArg extends PorticoError {
  constructor(message: string, hint?: string) {
    super('PORTICO_INVALID_PERIODIC_TASK_ARG', { message, hint });
  }
}

// Any function may be marked: every parameter list accepts `never`.
type Method = (this: never, ...args: never[]) => unknown;
type Mark = <F extends Method>(method: F, context?: ClassMethodDecoratorContext) => F;

const PERIODIC: unique symbol = Symbol('portico.periodicTask');

/**
 * Marks a method as a periodic task: `@periodicTask`, or `@periodicTask({ spacing: 10 })`. It neither registers nor wraps the method;
 * `new PeriodicTasks(object)` collects the marked methods. The method is called with the context of the pass and `{ signal }`. Throws
 * `PORTICO_INVALID_PERIODIC_TASK_ARG` for an unknown option.
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

/** Returns the options of a marked function; undefined for an unmarked one. */
export function periodicOptions(fn: unknown): PeriodicTaskOptions | undefined {
  return typeof fn === 'function' ? (fn as { [PERIODIC]?: PeriodicTaskOptions })[PERIODIC] : undefined;
}

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === 'number' && !Number.isNaN(value);
const isBoolean: Check = (value) => typeof value === 'boolean';

const SCOPES = ['worker', 'first-worker'];

/** The options, each with a description and a check of its values. */
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

/** The allowed names of options with a fixed set of values. */
const NAMES: Readonly<Record<string, readonly string[]>> = { scope: SCOPES, exclusive: ['cluster'] };

/** Returns the options; throws `PORTICO_INVALID_PERIODIC_TASK_ARG` for an unknown option or an invalid value. */
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

/** Throws for decorators of `experimentalDecorators`, which are called with a prototype and a name: the task would be lost. */
function checkStandard(context: ClassMethodDecoratorContext | undefined): void {
  if (context === undefined || typeof context === 'object') return;
  throw new InvalidPeriodicTaskArg(
    `The periodic task ${String(context)} uses a legacy decorator.`,
    'Remove experimentalDecorators from tsconfig.json.',
  );
}

/** State of a periodic task. Times are in seconds, relative to now. */
export interface PeriodicStatus {
  readonly name: string;
  readonly spacing: number;
  readonly running: boolean;
  readonly runs: number;
  readonly errors: number;
  /** Seconds since the start of the last run; absent before the first. */
  readonly lastStartAgo?: number;
  /** Seconds since the end of the last run. */
  readonly lastEndAgo?: number;
  readonly lastError?: string;
  /** Seconds until the next run; 0 or less: due now; absent before the first pass. */
  readonly nextIn?: number;
}

/** Parts of a {@link PeriodicSlot}. */
export interface SlotSpec extends LeaseSpec {
  readonly name: string;
  readonly call: (context: unknown, options: { signal: AbortSignal }) => unknown;
  readonly settings: PeriodicTaskOptions;
  readonly random: () => number;
}

/** Default maximum random delay, as a fraction of the spacing, so that the processes of a fleet do not run in step. */
const DEFAULT_JITTER = 0.05;

export class PeriodicSlot {
  readonly name: string;
  readonly fullName: string;
  readonly settings: PeriodicTaskOptions;
  /** Seconds from start to start. */
  spacing: number;
  readonly #spec: SlotSpec;
  readonly #lease: ClusterLease | undefined;
  /** Undefined before the first pass; null if due without an earlier run; else the time in seconds from which the spacing counts. */
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
    this.#lease = spec.settings.exclusive === 'cluster' ? new ClusterLease(spec) : undefined;
  }

  /** True during a run. Between passes only for a concurrent task, or one that passed its timeout. */
  get running(): boolean {
    return this.#current !== undefined;
  }

  /** Settles when the current run has ended. */
  get settled(): Promise<void> {
    return this.#current ?? Promise.resolve();
  }

  /** Starts the schedule, at the first call. */
  begin(now: number): void {
    if (this.#lastRun === undefined) this.#lastRun = this.settings.runImmediately === true ? null : now;
  }

  /** Returns the seconds until the task is due, after {@link begin}; 0 or less: now. */
  remaining(now: number): number {
    if (this.#lastRun === null || this.#lastRun === undefined) return 0;
    const remaining = this.#lastRun + this.spacing - now;
    // Sums of fractions may be off by less than a microsecond.
    return remaining < 1e-6 ? Math.min(0, remaining) : remaining;
  }

  /** Moves the schedule to the run that is about to start, by whole spacings plus jitter: missed runs collapse into one. */
  advance(now: number): void {
    if (this.#lastRun === null || this.#lastRun === undefined) {
      this.#lastRun = now;
      return;
    }
    // Whole seconds, so no jitter for a spacing of 20 s or less, because running in step does no harm there.
    const jitter = Math.floor(this.spacing * this.#spec.random() * (this.settings.jitter ?? DEFAULT_JITTER));
    // The last boundary that has passed; the margin covers rounding errors when the clock is exactly on a boundary.
    const passed = Math.max(1, Math.floor((now - this.#lastRun) / this.spacing + 1e-9));
    this.#lastRun += passed * this.spacing + jitter;
  }

  /** Runs the task. Settles when it ends, times out or is concurrent; rejects only with `raiseOnError`. */
  async run(context: unknown, options: { raiseOnError?: boolean; signal?: AbortSignal }): Promise<void> {
    const { timeout } = this.settings;
    const expired = new AbortController();
    const stop = (): void => expired.abort(options.signal?.reason);
    if (options.signal?.aborted === true) stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    const raised = this.#run(context, expired).then((error) => {
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

  /** Calls the task. Never rejects; resolves with its error, or with undefined. */
  #run(context: unknown, ending: AbortController): Promise<{ thrown: unknown } | undefined> {
    const { clock, log, call } = this.#spec;
    const cancel = clock.after(
      2 * this.spacing * 1000,
      () => log.warn(`Periodic task ${this.fullName} is running for more than twice its spacing of ${this.spacing} s`),
      { unref: true },
    );
    let letGo: Cancel | undefined;
    const work = async (): Promise<{ thrown: unknown } | undefined> => {
      try {
        if ((await this.#lease?.take(this.spacing)) === false) return undefined;
        letGo = this.#lease?.keep(this.spacing, ending);
        this.#began = clock.now() / 1000;
        this.#runs++;
        await call(context, { signal: ending.signal });
        this.#lastError = undefined;
        return undefined;
      } catch (error) {
        this.#errors++;
        this.#lastError = errorText(error);
        log.error({ err: error }, `Error during ${this.fullName}`);
        return { thrown: error };
      } finally {
        cancel();
        letGo?.();
        this.#ended = clock.now() / 1000;
        this.#current = undefined;
      }
    };
    // Set before the work begins, because it may end within the same turn.
    const ended = deferred();
    this.#current = ended.promise;
    return work().finally(ended.resolve);
  }

  /** Aborts the signal of a run that takes too long. If it continues, the next run waits for its end. */
  #expire(seconds: number, expired: AbortController): void {
    this.#spec.log.error(`Periodic task ${this.fullName} exceeded its limit of ${seconds} s`);
    expired.abort(new DOMException(`the periodic task exceeded its limit of ${seconds} s`, 'TimeoutError'));
  }
}
