/** Timers and the monotonic clock of this thread, run by a clock that a simulation advances. */
import type { Clock } from 'portico/tasks';

class VirtualTimer {
  cancel: () => void = () => undefined;

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

type Act = (...rest: unknown[]) => void;

/** Replaces the timers and `performance.now`. `setImmediate` stays: it is the turn in which promises settle. */
export function useClock(clock: Clock): void {
  const least = (ms: number | undefined): number => Math.max(1, ms ?? 1);
  const once = (act: Act, ms?: number, ...rest: unknown[]): VirtualTimer => {
    const timer = new VirtualTimer();
    timer.cancel = clock.after(least(ms), () => act(...rest));
    return timer;
  };
  const repeated = (act: Act, ms?: number, ...rest: unknown[]): VirtualTimer => {
    const timer = new VirtualTimer();
    const arm = (): void => {
      timer.cancel = clock.after(least(ms), () => {
        arm();
        act(...rest);
      });
    };
    arm();
    return timer;
  };
  const clear = (timer?: VirtualTimer): void => timer?.cancel();
  const timers = { setTimeout: once, setInterval: repeated, clearTimeout: clear, clearInterval: clear };
  Object.assign(globalThis, timers);
  performance.now = () => clock.now();
}
