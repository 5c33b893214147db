// The arguments of a contestant: `node <contestant>.mjs <work> <port>`. The environment contains certificate and key.
import { readFileSync } from 'node:fs';

export const [, , work, port] = process.argv;
export const host = '127.0.0.1';

const { BENCH_CERT: cert, BENCH_KEY: key, BENCH_LOG_LEVEL: level, BENCH_TRUSTED: trusted } = process.env;

/** The log level. `warn` omits the lines of successful requests. */
export const logLevel = level ?? 'warn';

/** True if a proxy on this machine is trusted. */
export const trustsProxy = trusted !== undefined;

/** Options of node:https; undefined if the work uses plain HTTP. */
export const tls = work === 'work6' ? { cert: readFileSync(cert), key: readFileSync(key) } : undefined;

/** Calls the function of the work in an object of functions. */
export function serve(works) {
  return works[work]();
}
