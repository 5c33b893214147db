/** What runs beside the requests of the compute API: `[api:compute] manager`. Its hooks run in every worker. */
import type { ManagerContext } from 'portico/registry';
import type { Manager, ServiceRecord } from 'portico/service';
import { periodicTask } from 'portico/tasks';
import type { Cloud } from '../cloud.js';
import { cloudOf } from '../settings.js';
import { finishTransitions, overdue } from './servers/stored-tasks.js';

type Context = Pick<ManagerContext, 'host' | 'serviceName' | 'conf' | 'log'>;

/** Writes transitions that have ended to the store. Requests do not depend on it: they compute the same when they read. */
export class ComputeManager implements Manager {
  readonly #context: Context;
  readonly #onClose: (() => unknown)[] = [];
  #cloud: Cloud | undefined;

  constructor(context: Context) {
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
    if (cloud.read(() => overdue(cloud, now)).length === 0) return;
    const done = cloud.write(() => finishTransitions(cloud, now));
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
