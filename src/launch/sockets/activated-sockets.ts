/**
 * Sockets that a service manager opened and passed, as in sd_listen_fds(3): descriptors from 3 on.
 */
import type { Logger } from '../../log/index.js';
import type { ListenAddress, ServiceBase } from '../../service/index.js';
import { isListening } from '../../service/internal.js';
import type { HostProcess } from '../process/host-process.js';
import { addressOfDescriptor, type ListenSockets } from './listen-sockets.js';

const FIRST_DESCRIPTOR = 3;

/** Names that a service manager uses if its configuration has none: they do not identify a service. */
const MEANINGLESS = /^(?:unknown|connection|stored|)$|\.socket$/;

interface Passed {
  readonly descriptor: number;
  readonly name: string;
}

/**
 * Sockets passed to this process, each given to one service: to the one with its name (`LISTEN_FDNAMES`), or without
 * names, in order. They belong to the service manager: they are never closed here, and their files never removed.
 */
export class ActivatedSockets {
  #passed: readonly Passed[];
  readonly #told = new Set<number>();

  constructor(host: Pick<HostProcess, 'env' | 'pid'>) {
    const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = host.env;
    // The variables were inherited, and meant for another process.
    const length = Number(pid) === host.pid ? Math.max(0, Math.trunc(Number(count)) || 0) : 0;
    const given = names.split(':');
    this.#passed = Array.from({ length }, (_, at) => ({
      descriptor: FIRST_DESCRIPTOR + at,
      name: given[at] ?? '',
    }));
  }

  /**
   * Returns the sockets of a service, one list for each of its addresses; undefined if none were passed for it. Several
   * sockets of one name for a service with one address are slots of that address.
   */
  take(service: string, addresses: readonly ListenAddress[]): ListenSockets[] | undefined {
    const mine = this.#choose(service, addresses.length);
    if (mine.length === 0 || mine.length < addresses.length) return undefined;
    this.#passed = this.#passed.filter((passed) => !mine.includes(passed));
    return addresses.map((address, at) => {
      const sockets = addresses.length === 1 ? mine : [mine[at]!];
      const descriptors = sockets.map(({ descriptor }) => descriptor);
      return {
        address: addressOfDescriptor(descriptors[0]!, address),
        descriptors,
        // They stay open for a service that is added again.
        close: () => {
          this.#passed = [...this.#passed.filter((passed) => !sockets.includes(passed)), ...sockets];
        },
      };
    });
  }

  /** Passes the sockets to a service of this process. Returns false if there are none. */
  giveTo(service: ServiceBase, name: string): boolean {
    const sockets = isListening(service) ? this.take(name, service.addresses) : undefined;
    if (sockets === undefined || !isListening(service)) return false;
    service.useSockets(sockets.map(({ address, descriptors }) => ({ address, fd: descriptors[0]! })));
    return true;
  }

  /**
   * Warns once of each socket that no service uses: its clients connect and wait. A service that a reload adds may
   * still use it. `services`: those whose names would have matched.
   */
  warnOfUnused(log: Logger, services: readonly { readonly name: string }[]): void {
    for (const { descriptor, name } of this.#passed) {
      if (this.#told.has(descriptor)) continue;
      this.#told.add(descriptor);
      const named = name === '' ? '' : ` (${name})`;
      log.warn(
        { descriptor, name },
        `Descriptor ${descriptor}${named}, passed by the service manager, belongs to no service: its connections are kept ` +
          `waiting. FileDescriptorName= is the name of a service: ${services.map((service) => service.name).join(', ')}`,
      );
    }
  }

  #choose(service: string, count: number): readonly Passed[] {
    const named = this.#passed.filter(({ name }) => name === service);
    if (named.length > 0) return named;
    return this.#passed.every(({ name }) => MEANINGLESS.test(name)) ? this.#passed.slice(0, count) : [];
  }
}
