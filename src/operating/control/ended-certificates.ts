/** Certificates that expire while a service runs: clients refuse it from that moment, and nothing in the service changes. */
import type { Logger } from '../../log/index.js';
import { agoText, formatDuration } from '../../text/index.js';
import type { ServiceStatus } from '../status.js';

/** Days before its expiry from which a certificate is a problem, as for the alert. */
const SOON_DAYS = 14;

/** Describes a certificate that has expired or expires soon: `its certificate expires in 2d3h, 2026-…: renew it, and reload`; none for another. */
export function endingCertificate(ends: string | undefined, now = Date.now()): string[] {
  const left = ends === undefined ? Infinity : (Date.parse(ends) - now) / 1000;
  if (left > SOON_DAYS * 86_400) return [];
  const when = left <= 0 ? `expired ${agoText(-left)}` : `expires in ${formatDuration(left)}`;
  return [`its certificate ${when}, ${ends}: ${left <= 0 ? 'clients refuse it; ' : ''}renew it, and reload`];
}

export class EndedCertificates {
  readonly #log: Pick<Logger, 'error'>;
  /** The ends that were logged, by service. */
  readonly #told = new Map<string, string>();

  constructor(log: Pick<Logger, 'error'>) {
    this.#log = log;
  }

  /** Logs each certificate that has expired, once. */
  look(services: readonly Pick<ServiceStatus, 'name' | 'certificateEnds'>[], now = Date.now()): void {
    for (const { name, certificateEnds: ends } of services) {
      if (ends === undefined || Date.parse(ends) > now || this.#told.get(name) === ends) continue;
      this.#told.set(name, ends);
      const remedy = 'clients refuse it. Renew it, and reload';
      this.#log.error({ service: name, ends }, `The certificate of ${name} expired at ${ends}: ${remedy}`);
    }
  }
}
