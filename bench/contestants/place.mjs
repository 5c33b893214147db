// Where and what a contestant serves: `node <contestant>.mjs <work> <port>`, certificate and key by the environment.
import { readFileSync } from 'node:fs';

export const [, , work, port] = process.argv;
export const host = '127.0.0.1';

const { BENCH_CERT: cert, BENCH_KEY: key, BENCH_LOG_LEVEL: level, BENCH_TRUSTED: trusted } = process.env;

/** `warn`: no line for a request that went well. */
export const logLevel = level ?? 'warn';

/** A proxy on this machine is believed. */
export const trustsProxy = trusted !== undefined;

/** Options of node:https; undefined where the work is plain HTTP. */
export const tls = work === 'work6' ? { cert: readFileSync(cert), key: readFileSync(key) } : undefined;

/** Calls the function of the work, from an object of them. */
export function serve(works) {
  return works[work]();
}
