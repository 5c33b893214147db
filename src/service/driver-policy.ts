/**
 * Limits around a driver's methods: how long a call may take, how often it is tried again, and when one stops asking.
 */
import { PorticoError } from '../errors/index.js';
import { checkPolicy } from './check-kind.js';
import { NotSupported } from './driver-kind.js';

/** What is put around each method. Nothing unless it is asked for. Times in seconds. */
export interface DriverPolicy {
  /** How long one try may take: then `PORTICO_DRIVER_TIMEOUT`. What was begun goes on, and interests nobody any more. */
  readonly timeout?: number;
  readonly retry?: {
    /** Tries after the first. */
    readonly retries: number;
    /** Before the first of them; doubled each time, with a random part. Default 0.1. */
    readonly initialDelay?: number;
    /** Default 30. */
    readonly maxDelay?: number;
    /** Which errors are worth another try. Default: all. */
    readonly when?: (error: Error) => boolean;
  };
  readonly breaker?: {
    /** After so many failures in a row calls fail at once, with `PORTICO_DRIVER_BROKEN`. */
    readonly failures: number;
    /** Until one call is let through, to see whether it works again. Default 10. */
    readonly resetAfter?: number;
  };
}

/**
 * Gives a driver whose named methods are under a policy: the time limit innermost, then the breaker, then retries, which
 * do not try against an open breaker. Everything else of the driver is as it was. A method that the driver does not
 * support fails at once and counts for nothing. Rejects with `PORTICO_BAD_DRIVER_POLICY` for a policy that cannot be.
 */
export async function guardDriver<T extends object>(
  driver: T,
  methods: readonly string[],
  policy: DriverPolicy,
): Promise<T> {
  checkPolicy(policy);
  const run = await runnerOf(driver.constructor.name, policy);
  const guarded = new Map<string, unknown>();
  for (const name of methods) {
    const method = (driver as Record<string, unknown>)[name];
    if (typeof method !== 'function') continue;
    const call = method as (...args: readonly unknown[]) => unknown;
    guarded.set(name, (...args: readonly unknown[]) =>
      run(`${driver.constructor.name}.${name}`, async () => call.apply(driver, [...args])),
    );
  }
  // Not a proxy of the driver itself: one that is frozen would have to give its own methods.
  return new Proxy(Object.create(Object.getPrototypeOf(driver) as object | null) as T, {
    get(_target, name) {
      const own = typeof name === 'string' ? guarded.get(name) : undefined;
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(driver, name);
      // Bound, since private members are the driver's own and not its wrapper's.
      return typeof value === 'function' && name !== 'constructor' ? (value.bind(driver) as unknown) : value;
    },
    set: (_target, name, value) => Reflect.set(driver, name, value),
    has: (_target, name) => Reflect.has(driver, name),
    deleteProperty: (_target, name) => Reflect.deleteProperty(driver, name),
    defineProperty: (_target, name, descriptor) => Reflect.defineProperty(driver, name, descriptor),
    ownKeys: () => Reflect.ownKeys(driver),
    getOwnPropertyDescriptor(_target, name) {
      const found = Reflect.getOwnPropertyDescriptor(driver, name);
      return found && { ...found, configurable: true };
    },
  });
}

type Run = <R>(name: string, call: () => Promise<R>) => Promise<R>;

/** The library is loaded with the first driver that has a policy. */
async function runnerOf(driver: string, { timeout, retry, breaker }: DriverPolicy): Promise<Run> {
  const policies = await import('cockatiel');
  const limited = policies.timeout((timeout ?? 0) * 1000, policies.TimeoutStrategy.Aggressive);
  const isFailure = (error: Error): boolean => !(error instanceof NotSupported);
  const isOpen = (error: Error): boolean => policies.isBrokenCircuitError(error);
  const worthRetrying = (error: Error): boolean => isFailure(error) && !isOpen(error) && (retry?.when?.(error) ?? true);
  const layers = [
    ...(retry === undefined
      ? []
      : [
          policies.retry(policies.handleWhen(worthRetrying), {
            maxAttempts: retry.retries,
            backoff: new policies.ExponentialBackoff({
              initialDelay: (retry.initialDelay ?? 0.1) * 1000,
              maxDelay: (retry.maxDelay ?? 30) * 1000,
            }),
          }),
        ]),
    ...(breaker === undefined
      ? []
      : [
          policies.circuitBreaker(policies.handleWhen(isFailure), {
            halfOpenAfter: (breaker.resetAfter ?? 10) * 1000,
            breaker: new policies.ConsecutiveBreaker(breaker.failures),
          }),
        ]),
  ];
  const whole = layers.length === 0 ? policies.noop : policies.wrap(...layers);
  const once = async <R>(name: string, call: () => Promise<R>): Promise<R> => {
    if (timeout === undefined) return call();
    try {
      return await limited.execute(call);
    } catch (error) {
      if (!(error instanceof policies.TaskCancelledError)) throw error;
      const message = `${name} took more than ${timeout} s`;
      throw new PorticoError('PORTICO_DRIVER_TIMEOUT', { message, cause: error });
    }
  };
  let lastFailure: unknown;
  return async (name, call) => {
    const attempt = async (): ReturnType<typeof call> => {
      try {
        return await once(name, call);
      } catch (error) {
        if (!(error instanceof NotSupported)) lastFailure = error;
        throw error;
      }
    };
    try {
      return await whole.execute(attempt);
    } catch (error) {
      if (!policies.isBrokenCircuitError(error)) throw error;
      throw new PorticoError('PORTICO_DRIVER_BROKEN', {
        // One breaker for all methods: which of them failed, the cause says.
        message: `${name} is not tried: the driver ${driver} failed ${breaker!.failures} times in a row`,
        hint:
          `It is tried again ${breaker!.resetAfter ?? 10} s after the last failure` +
          (lastFailure instanceof Error ? `, which was: ${lastFailure.message}` : '.'),
        // What the driver said, and not that a breaker is open: also when it opened between two tries of this call.
        cause: lastFailure ?? error,
      });
    }
  };
}
