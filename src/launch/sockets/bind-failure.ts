/**
 * Addresses that cannot be had, for operators: where each is set, and how to find out who has it. All at once.
 */
import { describeError, PorticoError } from '../../errors.js';

/** Whose address it is. */
export interface AddressOwner {
  readonly name: string;
  /** Where the configuration sets the address: `file:line:column`. */
  readonly place?: string | undefined;
}

/** What came of binding one address of a service, as an error that says it all. */
export function bindFailure({ name, place }: AddressOwner, error: unknown): PorticoError {
  if (error instanceof PorticoError) return error;
  const { code, message, address } = error as NodeJS.ErrnoException & { readonly address?: string };
  const where = place === undefined || place === '' ? '' : `${place}: `;
  const inUse = code === 'EADDRINUSE';
  const options = { message: `${where}${name}: ${message}`, cause: error };
  if (!inUse) return new PorticoError('PORTICO_START_FAILED', options);
  return new PorticoError('PORTICO_ADDRESS_TAKEN', { ...options, hint: whoHasIt(address ?? '') });
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
