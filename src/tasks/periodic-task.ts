/**
 * The mark on a method that is to run every so often.
 */
import { didYouMean, isObject, PorticoError, unknownOption, whatItIs } from '../errors/index.js';

/** How often a periodic task runs, and where. */
export interface PeriodicTaskOptions {
  /** Seconds from start to start. Default, and for 0: 60. Negative: the task is not run. */
  readonly spacing?: number;
  /** Default: the method's name. What the schedule is kept under; a subclass's task of the same name replaces it. */
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
class InvalidPeriodicTaskArg extends PorticoError {
  constructor(message: string, hint?: string) {
    super('PORTICO_INVALID_PERIODIC_TASK_ARG', { message, hint });
  }
}

// Any function may be marked; `never` is what every parameter list accepts.
type Method = (this: never, ...args: never[]) => unknown;
type Mark = <F extends Method>(method: F, context?: ClassMethodDecoratorContext) => F;

const PERIODIC: unique symbol = Symbol('portico.periodicTask');

/**
 * Marks a method as a periodic task: `@periodicTask`, or `@periodicTask({ spacing: 10 })`. Nothing is registered and
 * nothing is wrapped; `new PeriodicTasks(object)` collects what is marked. The method is called with the context of the
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

/** What a function was marked with; undefined for one that was not. */
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
  name: ['a text that is not empty', (value) => typeof value === 'string' && value !== ''],
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
    `The periodic task ${String(context)} is marked by a decorator of the old kind.`,
    'Take experimentalDecorators out of tsconfig.json.',
  );
}
