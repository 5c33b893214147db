/** The ports of the backdoor, as an option has them. */
import { ConfigurationRefused } from '../../errors/index.js';

const HELP =
  'Acceptable values are 0, <port>, and <start>:<end>, where 0 results in listening on a random tcp port number; <port> results in listening on the specified port number (and not enabling backdoor if that port is in use); and <start>:<end> results in listening on the smallest unused port number within the specified range of port numbers. The chosen port is displayed in the log.';

/** An invalid `backdoor_port`. Code `PORTICO_BACKDOOR_CONFIG`. */
export class BackdoorConfigValueError extends ConfigurationRefused {
  /** Value as written. */
  readonly portRange: string;

  constructor(portRange: string, cause: string) {
    super('PORTICO_BACKDOOR_CONFIG', {
      message: `Invalid backdoor_port configuration ${portRange}: ${cause}. ${HELP}`,
    });
    this.portRange = portRange;
  }
}

/**
 * Returns the ports to try, in order: `0`, `N` or `N:M`, both ends included. Throws {@link BackdoorConfigValueError}.
 */
export function backdoorPorts(value: string): { readonly first: number; readonly last: number } {
  const text = value.trim();
  const [, start, end] = /^(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (start === undefined)
    throw new BackdoorConfigValueError(value, 'it is neither a port nor two ports separated by a colon');
  if (text === '0') return { first: 0, last: 0 };
  const first = Number(start);
  const last = end === undefined ? first : Number(end);
  for (const port of [first, last]) {
    if (port < 1 || port > 65_535) throw new BackdoorConfigValueError(value, `${port} is not a port from 1 to 65535`);
  }
  if (last < first) throw new BackdoorConfigValueError(value, 'the end of the range is below its start');
  return { first, last };
}
