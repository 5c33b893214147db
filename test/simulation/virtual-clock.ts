/** A clock that a simulation advances; it also runs the timers of this thread, and is its monotonic clock. */
import type { Cancel, Clock } from 'portico/tasks';

interface Alarm {
  readonly at: number;
  readonly fn: () => void;
}

/** The event loop's own turns: also while promises settle, no time passes. */
const { setImmediate: turn, clearImmediate: clearTurn } = globalThis;

/** Rounds of the event loop at one moment after which it counts as spinning. */
const ROUNDS = 100_000;

export class VirtualClock implements Clock {
  #now = 0;
  /** The latest first; those of one moment in the opposite order of their setting. */
  readonly #alarms: Alarm[] = [];
  /** Callbacks of the thread that wait for the next turn of the event loop. */
  readonly #immediates = new Set<NodeJS.Immediate>();

  now(): number {
    return this.#now;
  }

  /** Number of timers. */
  get pending(): number {
    return this.#alarms.length;
  }

  after(ms: number, fn: () => void): Cancel {
    const alarm = { at: this.#now + Math.max(0, ms), fn };
    if (alarm.at === Number.POSITIVE_INFINITY) return () => undefined;
    let [from, to] = [0, this.#alarms.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#alarms[middle]!.at > alarm.at) from = middle + 1;
      else to = middle;
    }
    this.#alarms.splice(from, 0, alarm);
    return () => {
      const index = this.#alarms.indexOf(alarm);
      if (index >= 0) this.#alarms.splice(index, 1);
    };
  }

  /** Advances the time. Before each moment everything settles that needs no time. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await this.#settled();
    for (let rounds = 0; this.#next(target) !== undefined; rounds++) {
      const at = this.#next(target)!;
      if (at > this.#now) rounds = 0;
      if (rounds > ROUNDS) throw new Error(`timers are set without end at ${at} ms`);
      this.#now = at;
      this.#alarms.pop()!.fn();
      await this.#settled();
    }
    this.#now = target;
  }

  /** Replaces the timers of the thread and `performance.now`. */
  use(): this {
    const once = (act: Act, ms?: number, ...rest: unknown[]): VirtualTimer => {
      const timer = new VirtualTimer();
      timer.cancel = this.after(least(ms), () => act(...rest));
      return timer;
    };
    const repeated = (act: Act, ms?: number, ...rest: unknown[]): VirtualTimer => {
      const timer = new VirtualTimer();
      const arm = (): void => {
        timer.cancel = this.after(least(ms), () => {
          arm();
          act(...rest);
        });
      };
      arm();
      return timer;
    };
    const setImmediate = (act: Act, ...rest: unknown[]): NodeJS.Immediate => {
      const immediate = turn(() => {
        this.#immediates.delete(immediate);
        act(...rest);
      });
      this.#immediates.add(immediate);
      return immediate;
    };
    const clearImmediate = (immediate: NodeJS.Immediate): void => {
      this.#immediates.delete(immediate);
      clearTurn(immediate);
    };
    const clear = (timer?: VirtualTimer): void => timer?.cancel();
    const timers = { setTimeout: once, setInterval: repeated, clearTimeout: clear, clearInterval: clear };
    Object.assign(globalThis, timers, { setImmediate, clearImmediate });
    performance.now = () => this.#now;
    return this;
  }

  #next(target: number): number | undefined {
    const at = this.#alarms.at(-1)?.at;
    return at !== undefined && at <= target ? at : undefined;
  }

  async #settled(): Promise<void> {
    let rounds = 0;
    do {
      await new Promise<void>((resolve) => turn(resolve));
      if (++rounds > ROUNDS) throw new Error(`the event loop does not rest at ${this.#now} ms`);
    } while (this.#immediates.size > 0);
  }
}

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

function least(ms: number | undefined): number {
  return Math.max(1, ms ?? 1);
}
