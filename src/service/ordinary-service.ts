/**
 * A service with background work.
 */
import type { Config } from '../config/index.js';
import { refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { type Clock, TaskGroup } from '../tasks/index.js';
import type { Awaitable, ServiceBase, StopOptions } from './service.js';

/** Options of a {@link Service}. */
export interface ServiceOptions {
  /** Unique within one launcher. Default: the class's name. */
  readonly name?: string;
  /** Maximum number of concurrent tasks. Default 1000. */
  readonly tasks?: number;
  /** Default: standard error, with the service's name. */
  readonly log?: Logger;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof ServiceOptions)[] = ['name', 'tasks', 'log', 'clock'];

/**
 * A base class for services with background work in a task group. Override `start` to spawn tasks and add timers, and override `reset`;
 * both do nothing by default. Alternatively, implement {@link ServiceBase}.
 */
export class Service implements ServiceBase {
  declare readonly name?: string;
  /** Tasks and timers that end with the service. Reopened at each start. */
  readonly tasks: TaskGroup;
  /** Address of the launcher's backdoor: a port, a path, or null. The launcher sets it before `start`. */
  backdoorPort: number | string | null = null;

  constructor(options: ServiceOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Service', options, NAMES);
    const { tasks = 1000, name, ...rest } = options;
    if (name !== undefined) this.name = name;
    this.tasks = new TaskGroup({ limit: tasks, name: name ?? new.target.name, ...rest });
    // A service may be started again after a stop, and overrides of start() and reset() need no super call, since both do nothing.
    // Therefore the constructor wraps whichever start() exists, to reopen the group.
    const start = this.start.bind(this);
    this.start = () => {
      this.tasks.reset();
      return start();
    };
  }

  /** The task group, under its name in oslo.service. */
  get tg(): TaskGroup {
    return this.tasks;
  }

  start(): Awaitable<void> {}

  /** Stops the task group, as documented at `TaskGroup.stop`. Not graceful by default. */
  async stop(options: StopOptions = {}): Promise<void> {
    await this.tasks.stop(options);
  }

  /** Settles when no timer and no task is left. Never settles while a timer is not stopped. */
  async wait(): Promise<void> {
    await this.tasks.wait();
  }

  reset(_next?: Config): Awaitable<void> {}
}
