/** What hosts tell of their servers is written down here: the manager of `[service:conductor]`, on the machine that has the store. */
import type { RequestContext } from 'portico/app';
import type { ManagerContext } from 'portico/registry';
import { rpc } from 'portico/rpc';
import type { Cloud } from '../cloud.js';
import { cloudOf } from '../settings.js';
import type { TaskOfServer } from './hosts/host-manager.js';
import { finishTask } from './servers/transitions.js';

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

  /**
   * A host has done what a task asks. A task that is no longer the server's was given up meanwhile. What cannot be written down is a
   * dead letter: without it the task would never end.
   */
  @rpc({ ack: 'late', idempotent: true })
  finish(_context: RequestContext, { server, startedAt }: TaskOfServer): void {
    const cloud = this.#cloud!;
    const isDone = cloud.write(() => finishTask(cloud, server, startedAt));
    if (!isDone) this.#context.log.info(`server ${server} has no such task any more`, { startedAt });
  }

  cleanupHost(): void {
    for (const release of this.#onClose.splice(0)) release();
  }
}
