/** Certificates that end while a service runs: clients refuse it from that moment, and nothing in the service changes. */
import type { Logger } from '../../log/index.js';
import type { ServiceStatus } from '../status.js';

export class EndedCertificates {
  readonly #log: Pick<Logger, 'error'>;
  /** The ends that were logged, by service. */
  readonly #told = new Map<string, string>();

  constructor(log: Pick<Logger, 'error'>) {
    this.#log = log;
  }

  /** Logs each certificate that has ended, once. */
  look(services: readonly Pick<ServiceStatus, 'name' | 'certificateEnds'>[], now = Date.now()): void {
    for (const { name, certificateEnds: ends } of services) {
      if (ends === undefined || Date.parse(ends) > now || this.#told.get(name) === ends) continue;
      this.#told.set(name, ends);
      const remedy = 'clients refuse it. Renew it, and reload';
      this.#log.error({ service: name, ends }, `The certificate of ${name} has ended at ${ends}: ${remedy}`);
    }
  }
}
