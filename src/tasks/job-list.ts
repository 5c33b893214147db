/**
 * Periodic tasks that a factory or a manager declares in a line: `tasks.every('90s', fn)`. Declaring starts nothing; a service runs them while
 * it serves.
 */
import { InvalidPeriodicTaskArg, type PeriodicTaskOptions } from './periodic-task.js';
import type { PeriodicTasks, TaskFunction } from './periodic-tasks.js';

/** Options of {@link JobList.every}. */
export interface JobOptions
  extends Pick<PeriodicTaskOptions, 'name' | 'runImmediately' | 'enabled' | 'jitter' | 'timeout' | 'concurrent'> {
  /**
   * Place of its runs: in every `worker`; on every `host`, in the first worker of its service; in one worker of the `fleet`, by a lease in the
   * registry. Default `worker`.
   */
  readonly on?: 'worker' | 'host' | 'fleet';
}

interface Job {
  readonly fn: TaskFunction;
  readonly options: PeriodicTaskOptions;
  /** The declaration in a section; undefined outside of sections. Equal for each app that the section makes. */
  readonly declaration: string | undefined;
}

const WHERE: Readonly<Record<NonNullable<JobOptions['on']>, PeriodicTaskOptions>> = {
  worker: {},
  host: { scope: 'first-worker' },
  fleet: { scope: 'first-worker', exclusive: 'cluster' },
};

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** Declared periodic tasks. */
export class JobList {
  readonly #jobs: Job[];
  /** Key of the section that declares here. */
  readonly #section: string | undefined;
  /** Number of declarations of each name here. */
  readonly #declared = new Map<string, number>();

  /** `jobs` and `section`: for {@link JobList.ofSection}. */
  constructor(jobs: Job[] = [], section?: string) {
    this.#jobs = jobs;
    this.#section = section;
  }

  /**
   * Returns the same list, for one call of the factory of a section. A section that is mounted at two paths declares its tasks twice: those
   * of a host or the fleet run once, those of a worker for each app, whose memory they may refresh. @internal
   */
  ofSection(key: string): JobList {
    return new JobList(this.#jobs, key);
  }

  /**
   * Declares a task: `spacing` in seconds, or as `'90s'`, `'5m'`, `'1h'`. `fn` gets the context of the pass and `{ signal }`. Names that the
   * list makes are numbered; throws `PORTICO_INVALID_PERIODIC_TASK_ARG` for a given name that another task has.
   */
  every(spacing: number | string, fn: TaskFunction, { on = 'worker', ...options }: JobOptions = {}): this {
    if (!Object.hasOwn(WHERE, on)) {
      throw new InvalidPeriodicTaskArg(`a task runs on "${String(on)}"`, 'Write on: "worker", "host" or "fleet".');
    }
    const wanted = options.name ?? (fn.name === '' ? `every ${spacing}` : fn.name);
    const times = (this.#declared.get(wanted) ?? 0) + 1;
    this.#declared.set(wanted, times);
    const declaration = this.#section && JSON.stringify([this.#section, wanted, times]);
    const isAgain = declaration !== undefined && this.#jobs.some((job) => job.declaration === declaration);
    if (isAgain && on !== 'worker') return this;
    if (options.name !== undefined && !isAgain && this.#has(wanted)) {
      throw new InvalidPeriodicTaskArg(
        `two periodic tasks of one service have the name "${wanted}", by which leases and the status tell them apart`,
        'Give each its own name, for instance with the section of its factory, or leave the name out: then they are numbered.',
      );
    }
    const name = this.#free(wanted);
    this.#jobs.push({ fn, options: { ...options, ...WHERE[on], name, spacing: secondsOf(spacing) }, declaration });
    return this;
  }

  #has(name: string): boolean {
    return this.#jobs.some(({ options }) => options.name === name);
  }

  /** Returns the name, with a number after it if it is taken: several factories or managers may declare alike. */
  #free(name: string): string {
    let free = name;
    for (let number = 2; this.#has(free); number++) free = `${name} ${number}`;
    return free;
  }

  get empty(): boolean {
    return this.#jobs.length === 0;
  }

  /** Names and spacings in seconds, in the order of their declaration. */
  get described(): readonly { readonly name: string; readonly spacing: number }[] {
    return this.#jobs.map(({ options: { name, spacing } }) => ({ name: name!, spacing: spacing! }));
  }

  /** Adds the tasks to those of a service. */
  addTo(tasks: PeriodicTasks): void {
    for (const { fn, options } of this.#jobs) tasks.addPeriodicTask(fn, options);
  }
}

function secondsOf(spacing: number | string): number {
  const [, digits, unit = 's'] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*$/.exec(String(spacing)) ?? [];
  const seconds = Number(digits) * UNITS[unit]!;
  if (seconds > 0) return seconds;
  throw new InvalidPeriodicTaskArg(
    `${JSON.stringify(spacing)} is no time between two runs`,
    "Write seconds above 0, or a text: '90s', '5m', '1h'.",
  );
}
