/** Conformance cases of transports, for any test runner. The cases are loaded when they are asked for. */
import type { Awaitable } from 'portico/service';
import type { ConformanceCase } from 'portico/testing';
import type { Transport, TransportOptions } from '../transport/transport.js';
import type { TransportConformanceOptions } from './bench.js';

/**
 * Returns the cases for a transport, each of which ends within 30 s. `make` returns another connection to the same broker, not connected yet.
 * Each case has its own exchange.
 */
export async function transportConformance(
  make: (options: TransportOptions) => Awaitable<Transport>,
  options: TransportConformanceOptions = {},
): Promise<ConformanceCase[]> {
  const { casesOf } = await import('./cases.js');
  return casesOf(make, options);
}
