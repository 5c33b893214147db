/**
 * What runs on a host: the manager of `[service:compute-manager]`. It carries out what the API has begun with a server, and tells the
 * conductor when that is done; it has no records of its own.
 */
import { setTimeout as after } from 'node:timers/promises';
import type { RequestContext } from 'portico/app';
import type { ManagerContext } from 'portico/registry';
import { type RPCClient, rpc } from 'portico/rpc';
import type { Server } from '../../records.js';
import { type Settings, sampleOptions } from '../../settings.js';

/** What host managers take calls for, and what conductors do. */
export const HOST_TOPIC = 'compute-manager';
export const CONDUCTOR_TOPIC = 'conductor';

/** A task of a server: which one it is, is said by its beginning. */
export type TaskOfServer = { readonly server: string; readonly startedAt: number };

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
   * Does what a task asks, if it is still asked for. Where the host dies meanwhile, or cannot tell the conductor, it begins again;
   * where that fails too often the message is a dead letter.
   */
  @rpc({ ack: 'late', idempotent: true })
  async perform(context: RequestContext, task: TaskOfServer): Promise<void> {
    try {
      if (!(await this.#conductor.call<boolean>(context, 'begin', task))) return;
      await after(this.#settings.transitionMs);
      await this.#conductor.prepare({ mandatory: true }).cast(context, 'finish', task);
    } catch (cause) {
      throw Object.assign(new Error('the conductor cannot be told', { cause }), { retryable: true });
    }
  }

  /** The lines on a server's console. */
  consoleLines(_context: RequestContext, server: ConsoleOwner): string[] {
    return [`Host ${this.#host}`, ...consoleLines(server)];
  }
}

/** What a console shows of its server. */
export type ConsoleOwner = Pick<Server, 'name'> & { readonly vcpus: number; readonly ram: number };

export function consoleLines({ name, vcpus, ram }: ConsoleOwner): string[] {
  return [`Booting ${name}`, `${vcpus} processors, ${ram} MiB of memory`, `${name} login: `];
}
