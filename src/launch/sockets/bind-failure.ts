/**
 * Addresses that cannot be had, for operators: where each is set, and how to find out who has it. All at once.
 */
import { describeError, PorticoError } from '../../errors/index.js';

/** Whose address it is. */
export interface AddressOwner {
  readonly name: string;
  /** Where the configuration sets the address: `file:line:column`. */
  readonly place?: string | undefined;
}

/** What came of binding one address of a service, as an error that says it all. */
export function bindFailure({ name, place }: AddressOwner, error: unknown): PorticoError {
  if (error instanceof PorticoError) return error;
  const { code = '', message, address = '', hostname } = error as BindError;
  const where = place === undefined || place === '' ? '' : `${place}: `;
  const what = hostname === undefined ? message : `no address is known for ${hostname} (${code})`;
  return new PorticoError(code === 'EADDRINUSE' ? 'PORTICO_ADDRESS_TAKEN' : 'PORTICO_START_FAILED', {
    message: `${where}${name}: ${what}`,
    cause: error,
    hint: HINTS[code]?.(hostname ?? address),
  });
}

/** Of bind(2), or of getaddrinfo(3), which says for which name. */
type BindError = NodeJS.ErrnoException & { readonly address?: string; readonly hostname?: string };

/** What an operator can do, by the system's code. */
const HINTS: Readonly<Record<string, (address: string) => string | undefined>> = {
  EADDRINUSE: whoHasIt,
  EACCES: (address) =>
    /:\d+$/.test(address)
      ? 'Ports below 1024 take CAP_NET_BIND_SERVICE (AmbientCapabilities= of a unit), or a socket that the service manager opens.'
      : undefined,
  EADDRNOTAVAIL: () => 'This shows the addresses it has: ip addr. 0.0.0.0 stands for all of them.',
  ENOTFOUND: lookItUp,
  EAI_AGAIN: lookItUp,
};

function lookItUp(host: string): string {
  return `Is it written as it should be? This shows what the machine makes of it: getent hosts ${host}`;
}

/** One error of all failures, of which there is at least one. */
export function bindFailures(failures: readonly PorticoError[]): PorticoError {
  const [first, ...others] = failures;
  if (others.length === 0) return first!;
  const message = failures.map((each) => describeError(each)).join('\n');
  return new PorticoError(first!.code, { message, cause: first });
}

/** How an operator finds who listens there. */
function whoHasIt(address: string): string {
  const isTcp = /:\d+$/.test(address);
  const linux = process.platform === 'linux';
  // Without the port: whoever searches a log for it finds the one line that says what is wrong.
  const tcp = linux ? 'ss -ltnp' : 'lsof -nP -iTCP -sTCP:LISTEN';
  const unix = linux ? `ss -lxp src '${address}'` : `lsof ${address}`;
  return `Is another copy of this service running? This shows who has it: ${isTcp ? tcp : unix}`;
}
