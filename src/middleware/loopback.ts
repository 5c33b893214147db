/**
 * Addresses that only this machine can reach.
 */

/** Whether an address or host name stands for this machine alone: 127.0.0.0/8, `::1`, `localhost`, a Unix socket. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined || address === 'localhost') return true;
  return address === '127.0.0.1' || address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address);
}
