/** Work beside the requests of the compute API: its own manager, the manager of the hosts of servers, and the conductor. */
import { setTimeout as after } from 'node:timers/promises';
import type { RequestContext } from 'portico/app';
import type { ManagerContext } from 'portico/registry';
import { type RPCClient, rpc } from 'portico/rpc';
import type { Manager, ServiceRecord } from 'portico/service';
import { periodicTask } from 'portico/tasks';
import { type Cloud, cloudOf, type Settings, sampleOptions } from '../cloud.js';
import type { TaskOfServer } from '../records.js';
import { finishTask, finishTransitions, overdue, startTask } from './servers/stored-servers.js';

/**
 * `[api:compute] manager`, whose hooks run in every worker. Writes transitions that have ended to the store. Requests do not depend on it: they compute the same when they
 * read.
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

  /** One worker of the fleet is enough; where it is killed half way, nothing was done, and its successor does it. */
  @periodicTask({ spacing: 5, runImmediately: true, scope: 'first-worker' })
  finishTransitions(): void {
    const [cloud, now] = [this.#cloud!, Date.now()];
    // Looking takes no lock, so that a cloud at rest is left alone.
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
    this.#context.log.info(`${this.#context.serviceName} manager: ${step}`, { ...facts });
  }
}

/** Topics of the host managers and of the conductors. */
export const HOST_TOPIC = 'compute-manager';
export const CONDUCTOR_TOPIC = 'conductor';

/**
 * `[service:compute-manager]`, on a host. It carries out what the API has begun with a server, and tells the conductor when that is
 * done; it has no records of its own.
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
   * Does what a task asks, if it is still asked for. If the host dies meanwhile, or cannot tell the conductor, it begins again;
   * where that fails too often the message is a dead letter.
   */
  @rpc({ ack: 'late', idempotent: true })
  async perform(context: RequestContext, task: TaskOfServer): Promise<void> {
    try {
      if (!(await this.#conductor.call<boolean>(context, 'begin', task))) return;
      await after(this.#settings.transitionMs);
      await this.#conductor.prepare({ mandatory: true }).cast(context, 'finish', task);
    } catch (cause) {
      throw Object.assign(new Error('the conductor cannot be reached', { cause }), { retryable: true });
    }
  }

  /** The lines on a server's console. */
  consoleLines(_context: RequestContext, server: ConsoleOwner): string[] {
    return [`Host ${this.#host}`, ...consoleLines(server)];
  }
}

/** The part of a server that its console shows. */
export interface ConsoleOwner {
  readonly name: string;
  readonly vcpus: number;
  readonly ram: number;
}

export function consoleLines({ name, vcpus, ram }: ConsoleOwner): string[] {
  return [`Booting ${name}`, `${vcpus} processors, ${ram} MiB of memory`, `${name} login: `];
}

/** `[service:conductor]`, on the machine that has the store: writes down what hosts tell of their servers. */
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

  /** A host wants to do what a task asks. False: it was taken back or given up, and nothing is to be done. */
  begin(_context: RequestContext, task: TaskOfServer): boolean {
    return this.#change('begun', startTask, task);
  }

  /** A host has done what a task asks. A result that cannot be stored is a dead letter, for the host does not say it again. */
  @rpc({ ack: 'late', idempotent: true })
  finish(_context: RequestContext, task: TaskOfServer): void {
    this.#change('finished', finishTask, task);
  }

  #change(verb: string, change: typeof startTask, task: TaskOfServer): boolean {
    const cloud = this.#cloud!;
    const isChanged = cloud.write(() => change(cloud, task));
    if (!isChanged)
      this.#context.log.info(`a task of server ${task.server} is not ${verb}: it has it no more`, { ...task });
    return isChanged;
  }

  cleanupHost(): void {
    for (const release of this.#onClose.splice(0)) release();
  }
}
