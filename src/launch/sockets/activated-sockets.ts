/**
 * Sockets that a service manager opened and handed over, as sd_listen_fds(3) describes it: descriptors 3 and up.
 */
import type { Logger } from '../../log/index.js';
import type { ListenAddress, ServiceBase } from '../../service/index.js';
import { isListening } from '../../service/internal.js';
import type { HostProcess } from '../process/host-process.js';
import { addressOfDescriptor, type ListenSockets } from './listen-sockets.js';

const FIRST_DESCRIPTOR = 3;

/** Names that a service manager gives where its configuration has none: they do not tell the service of a socket. */
const MEANINGLESS = /^(?:unknown|connection|stored|)$|\.socket$/;

interface Passed {
  readonly descriptor: number;
  readonly name: string;
}

/**
 * The sockets passed to this process, each handed out once: to the service whose name it has (`LISTEN_FDNAMES`), and without
 * names, in order. They are never closed here and their files never removed: they are the service manager's.
 */
export class ActivatedSockets {
  #passed: readonly Passed[];
  readonly #told = new Set<number>();

  constructor(host: Pick<HostProcess, 'env' | 'pid'>) {
    const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = host.env;
    // Meant for another process: the variables were inherited.
    const length = Number(pid) === host.pid ? Math.max(0, Math.trunc(Number(count)) || 0) : 0;
    const given = names.split(':');
    this.#passed = Array.from({ length }, (_, at) => ({
      descriptor: FIRST_DESCRIPTOR + at,
      name: given[at] ?? '',
    }));
  }

  /**
   * The sockets of a service, one list for each of its addresses; undefined when none were passed for it. Several sockets
   * of one name for a service with one address are slots of that address.
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
        // They stay open, for a service that comes again.
        close: () => {
          this.#passed = [...this.#passed.filter((passed) => !sockets.includes(passed)), ...sockets];
        },
      };
    });
  }

  /** Lets a service of this process listen on the sockets passed for it, where there are any. */
  giveTo(service: ServiceBase, name: string): void {
    const sockets = isListening(service) ? this.take(name, service.addresses) : undefined;
    if (sockets === undefined || !isListening(service)) return;
    service.useSockets(sockets.map(({ address, descriptors }) => ({ address, fd: descriptors[0]! })));
  }

  /**
   * Warns of each socket that no service took: its clients connect and wait. Once for each; one that a reload adds may
   * still take them. `services`: those whose names would have fitted.
   */
  warnOfUnused(log: Logger, services: readonly { readonly name: string }[]): void {
    for (const { descriptor, name } of this.#passed) {
      if (this.#told.has(descriptor)) continue;
      this.#told.add(descriptor);
      const named = name === '' ? '' : ` (${name})`;
      log.warn(
        `Descriptor ${descriptor}${named}, passed by the service manager, belongs to no service: its connections are kept ` +
          `waiting. FileDescriptorName= is the name of a service: ${services.map((service) => service.name).join(', ')}`,
        { descriptor, name },
      );
    }
  }

  #choose(service: string, count: number): readonly Passed[] {
    const named = this.#passed.filter(({ name }) => name === service);
    if (named.length > 0) return named;
    return this.#passed.every(({ name }) => MEANINGLESS.test(name)) ? this.#passed.slice(0, count) : [];
  }
}
