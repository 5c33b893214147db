/**
 * The ordinary service, which has background work.
 */
import { refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { type Clock, TaskGroup } from '../tasks/index.js';
import type { Awaitable, ConfigChanges, ServiceBase, StopOptions } from './service.js';

/** How a {@link Service} is made. */
export interface ServiceOptions {
  /** Unique within one launcher; default: the class's name. */
  readonly name?: string;
  /** How many of its tasks run at a time. Default 1000. */
  readonly tasks?: number;
  /** Default: standard error, under the name of the service. */
  readonly log?: Logger;
  /** Times and timers. Default: those of the system. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof ServiceOptions)[] = ['name', 'tasks', 'log', 'clock'];

/**
 * A base class for services with background work in a task group. Override `start` to spawn tasks and add timers, and
 * `reset`; both do nothing by default. Or implement {@link ServiceBase} yourself.
 */
export class Service implements ServiceBase {
  declare readonly name?: string;
  /** Tasks and timers that end with the service. Open again whenever the service is started. */
  readonly tasks: TaskGroup;
  /** Address of the launcher's backdoor: a port, a path, or null. Set by the launcher before `start`. */
  backdoorPort: number | string | null = null;

  constructor(options: ServiceOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Service', options, NAMES);
    const { tasks = 1000, name, ...rest } = options;
    if (name !== undefined) this.name = name;
    this.tasks = new TaskGroup({ limit: tasks, name: name ?? new.target.name, ...rest });
    // A service may be started again after it was stopped, and a subclass that overrides start() or reset() owes them no
    // super call, since they do nothing: so the group is opened here, in front of whichever start() there is.
    const start = this.start.bind(this);
    this.start = () => {
      this.tasks.reset();
      return start();
    };
  }

  /** The task group, under the name it has in oslo.service. */
  get tg(): TaskGroup {
    return this.tasks;
  }

  start(): Awaitable<void> {}

  /** Stops the task group: see `TaskGroup.stop`. Graceful only when asked, as launchers do. */
  async stop(options: StopOptions = {}): Promise<void> {
    await this.tasks.stop(options);
  }

  /** Settles when no timer and no task is left. Timers must have been stopped, or this waits for ever. */
  async wait(): Promise<void> {
    await this.tasks.wait();
  }

  reset(_changes?: ConfigChanges): Awaitable<void> {}
}
