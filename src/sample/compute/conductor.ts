/** What hosts tell of their servers is written down here: the manager of `[service:conductor]`, on the machine that has the store. */
import type { RequestContext } from 'portico/app';
import type { ManagerContext } from 'portico/registry';
import { rpc } from 'portico/rpc';
import type { Cloud } from '../cloud.js';
import { cloudOf } from '../settings.js';
import type { TaskOfServer } from './hosts/host-manager.js';
import { finishTask, startTask } from './servers/stored-tasks.js';

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

  /** A host has done what a task asks. What cannot be written down is a dead letter, for the host does not say it again. */
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
