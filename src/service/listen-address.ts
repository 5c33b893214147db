import { writeHostPort } from '../config/internal.js';

/** Where a service listens. */
export type ListenAddress =
  | { readonly host: string; readonly port: number; readonly backlog?: number }
  | { readonly path: string; readonly backlog?: number };

/** `127.0.0.1:8774`, `[::1]:8774` or `unix:/run/api.sock`. */
export function formatAddress(address: ListenAddress): string {
  return 'path' in address ? `unix:${address.path}` : writeHostPort(address);
}

/** Whether a host stands for all addresses of the machine. */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '::', ''].includes(host);
}
