/** The fate of a pretended worker, chosen when it starts. */
import type { Random } from '../../simulation/random.js';

export interface Fate {
  /** `waits`: never ready, but alive. `silent`: its event loop is stuck. `exits`: with status 0. */
  readonly start: 'ready' | 'fails' | 'refuses' | 'exits' | 'dies' | 'waits' | 'silent' | 'unspawned';
  readonly loadMs: number;
  readonly startMs: number;
  /**
   * `idle`: open connections without requests, which it closes when hurried. `quiet`: does not say that it drains.
   * `deaf`: its event loop is stuck.
   */
  readonly end: 'orderly' | 'idle' | 'quiet' | 'endless' | 'crashes' | 'deaf';
  readonly endMs: number;
  readonly latencyMs: number;
  /** Time from a signal to its effect, and from the end of the process to the parent's notice. */
  readonly killMs: number;
  /** True if another process holds its pipes, so that they do not close when it ends. */
  readonly holdsPipe: boolean;
  /** True if it sends heartbeats even while it is deaf. */
  readonly beatsAnyway: boolean;
  readonly answer: 'takes' | 'refuses' | 'never';
  /** Number of workers that its application asks for; undefined: it does not say. */
  readonly asks: number | undefined;
}

/** How likely mishaps are. */
export type Weather = 'calm' | 'rough' | 'storm' | 'plague';

/** Mishaps that a configuration without limits does not end. */
export interface Limits {
  readonly start: boolean;
  readonly end: boolean;
}

export function fateOf(random: Random, weather: Weather, limits: Limits): Fate {
  const bad = { calm: 0, rough: 0.15, storm: 0.6, plague: 0.9 }[weather];
  const slow = random.chance(bad / 3);
  const limited = limits.start ? bad : 0;
  const start = random.weighted({
    ready: 1 - bad,
    fails: bad * 0.4,
    refuses: bad * 0.1,
    exits: bad * 0.15,
    dies: bad * 0.15,
    waits: limited * 0.1,
    silent: limited * 0.1,
    unspawned: bad * 0.05,
  });
  const unlimited = limits.end ? bad : 0;
  const end = random.weighted({
    orderly: 1 - bad,
    idle: 0.2,
    quiet: bad * 0.2,
    crashes: bad * 0.3,
    endless: unlimited * 0.3,
    deaf: unlimited * 0.3,
  });
  return {
    start,
    end,
    loadMs: random.between(5, slow ? 2000 : 100),
    startMs: random.between(1, slow ? 12_000 : 400),
    endMs: random.chance(0.3) ? random.between(0, 20_000) : random.between(0, 200),
    latencyMs: random.between(0.05, random.chance(0.1) ? 30 : 2),
    killMs: random.between(0.1, 3),
    holdsPipe: random.chance(bad / 4),
    beatsAnyway: random.chance(0.5),
    answer: random.weighted({ takes: 1, refuses: bad, never: bad }),
    asks: random.chance(0.8) ? 1 + random.below(4) : undefined,
  };
}
