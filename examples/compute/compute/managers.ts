/** Work outside the requests of the compute API: its manager, the manager of hosts, and the conductor. */
import { setTimeout as after } from 'node:timers/promises';
import type { RequestContext } from 'portico/app';
import type { ManagerContext } from 'portico/registry';
import { type RPCClient, rpc } from 'portico/rpc';
import type { Manager, ServiceRecord } from 'portico/service';
import { periodicTask } from 'portico/tasks';
import { type Cloud, cloudOf, type Settings, sampleOptions } from '../cloud.js';
import type { TaskOfServer } from '../records.js';
import { conductorFailure } from './conductor-failure.js';
import { finishTask, finishTransitions, overdue, startTask } from './servers/stored-servers.js';

/**
 * The manager of the compute API, `[api:compute] manager`. Its hooks run in every worker. It stores the results of transitions that are
 * over. Requests do not depend on it: they compute the same results when they read a server.
 */
export class ComputeManager implements Manager {
  readonly #context: Pick<ManagerContext, 'host' | 'serviceName' | 'conf' | 'log'>;
  readonly #onClose: (() => unknown)[] = [];
  #cloud: Cloud | undefined;

  constructor(context: Pick<ManagerContext, 'host' | 'serviceName' | 'conf' | 'log'>) {
    this.#context = context;
  }

  initHost(record: ServiceRecord | null): void {
    this.#cloud = cloudOf({ config: this.#context.conf, onClose: (release) => void this.#onClose.push(release) });
    this.#log('initHost', { record: record?.uuid ?? null, lastSeenUp: record?.lastSeenUp ?? null });
  }

  preStartHook(record: ServiceRecord | null): void {
    this.#log('preStartHook', { record: record?.uuid ?? null, host: this.#context.host });
  }

  postStartHook(): void {
    this.#log('postStartHook');
  }

  /**
   * Runs in the first worker only, because one is enough. If that worker is killed half way, the transaction is rolled back and the next
   * one repeats it.
   */
  @periodicTask({ spacing: 5, runImmediately: true, scope: 'first-worker' })
  finishTransitions(): void {
    const [cloud, now] = [this.#cloud!, Date.now()];
    // A read takes no lock, so an idle store is never locked.
    if (cloud.read(() => overdue(cloud.servers.list(), now)).length === 0) return;
    const done = cloud.write(() => finishTransitions(cloud, cloud.servers.list(), now));
    this.#log('finishTransitions', done);
  }

  gracefulShutdown(timeoutMs: number): void {
    this.#log('gracefulShutdown', { timeoutMs });
  }

  cleanupHost(): void {
    for (const release of this.#onClose.splice(0)) release();
    this.#log('cleanupHost');
  }

  reset(): void {
    this.#log('reset');
  }

  #log(step: string, facts: object = {}): void {
    this.#context.log.info({ ...facts }, `${this.#context.serviceName} manager: ${step}`);
  }
}

/** The topics of the host managers and of the conductors. */
export const HOST_TOPIC = 'compute-manager';
export const CONDUCTOR_TOPIC = 'conductor';

/**
 * The manager of a host, `[service:compute-manager]`. It performs the tasks of servers that the API has begun, and reports to the
 * conductor. It keeps no records.
 */
export class HostManager {
  readonly #host: string;
  readonly #settings: Settings;
  readonly #conductor: RPCClient;

  constructor({ host, conf, rpc }: ManagerContext) {
    this.#host = host;
    this.#settings = conf.group('sample', sampleOptions);
    this.#conductor = rpc.client({ topic: CONDUCTOR_TOPIC });
  }

  /**
   * Performs a task if the server still has it. If the host dies meanwhile, or the conductor cannot be reached or fails, the task starts
   * again. After too many failures, and at once if the conductor refuses the call, the message becomes a dead letter.
   */
  @rpc({ ack: 'late', idempotent: true })
  async perform(context: RequestContext, task: TaskOfServer): Promise<void> {
    try {
      if (!(await this.#conductor.call<boolean>(context, 'begin', task))) return;
      await after(this.#settings.transitionMs);
      await this.#conductor.prepare({ mandatory: true }).cast(context, 'finish', task);
    } catch (error) {
      throw conductorFailure(error);
    }
  }

  /** Returns the lines of a server's console. */
  consoleLines(_context: RequestContext, server: ConsoleOwner): string[] {
    return [`Host ${this.#host}`, ...consoleLines(server)];
  }
}

/** The members of a server that its console shows. */
export interface ConsoleOwner {
  readonly name: string;
  readonly vcpus: number;
  readonly ram: number;
}

export function consoleLines({ name, vcpus, ram }: ConsoleOwner): string[] {
  return [`Booting ${name}`, `${vcpus} processors, ${ram} MiB of memory`, `${name} login: `];
}

/** The conductor, `[service:conductor]`, on the machine that has the store. It stores the reports of hosts about their servers. */
export class Conductor {
  readonly #context: Pick<ManagerContext, 'conf' | 'log'>;
  readonly #onClose: (() => unknown)[] = [];
  #cloud: Cloud | undefined;

  constructor(context: Pick<ManagerContext, 'conf' | 'log'>) {
    this.#context = context;
  }

  initHost(): void {
    this.#cloud = cloudOf({ config: this.#context.conf, onClose: (release) => void this.#onClose.push(release) });
  }

  /** Records that a host begins a task. False: the task was withdrawn or given up, and the host drops it. */
  begin(_context: RequestContext, task: TaskOfServer): boolean {
    return this.#change('begun', startTask, task);
  }

  /** Stores the result of a task. If that fails, the message becomes a dead letter, because the host does not send it again. */
  @rpc({ ack: 'late', idempotent: true })
  finish(_context: RequestContext, task: TaskOfServer): void {
    this.#change('finished', finishTask, task);
  }

  #change(verb: string, change: typeof startTask, task: TaskOfServer): boolean {
    const cloud = this.#cloud!;
    const isChanged = cloud.write(() => change(cloud, task));
    if (!isChanged)
      this.#context.log.info({ ...task }, `a task of server ${task.server} is not ${verb}: it has it no more`);
    return isChanged;
  }

  cleanupHost(): void {
    for (const release of this.#onClose.splice(0)) release();
  }
}
