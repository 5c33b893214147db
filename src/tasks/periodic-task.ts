/** Periodic tasks: their options, and the decorator that marks a method. */
import { checkOptions, OPTION_KINDS, type OptionKind, oneOf, PorticoError } from '../errors/index.js';

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

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);

const { flag: FLAG } = OPTION_KINDS;

const KINDS: Readonly<Record<keyof PeriodicTaskOptions, OptionKind>> = {
  spacing: { noun: 'a number of seconds', has: isNumber },
  name: { noun: 'a non-empty string', has: (value) => typeof value === 'string' && value !== '' },
  runImmediately: FLAG,
  enabled: {
    noun: 'true, false, or a function of the configuration',
    has: (value) => typeof value === 'boolean' || typeof value === 'function',
  },
  jitter: { noun: 'a number from 0 to 1', has: (value) => isNumber(value) && value >= 0 && value <= 1 },
  timeout: { noun: 'a number of seconds above 0', has: (value) => isNumber(value) && value > 0 },
  exclusive: oneOf('cluster'),
  externalProcessOk: FLAG,
  scope: oneOf('worker', 'first-worker'),
  concurrent: FLAG,
};

/** Returns the options; throws `PORTICO_INVALID_PERIODIC_TASK_ARG` for an unknown option or an invalid value. */
export function checkedOptions(options: PeriodicTaskOptions): PeriodicTaskOptions {
  return checkOptions('PORTICO_INVALID_PERIODIC_TASK_ARG', 'a periodic task', options, KINDS);
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
