/**
 * What a parent process handed to this one before its main module ran.
 */
import type { ConfigSnapshot } from './state.js';

/** The part of a worker's assignment that configuration needs. */
export interface WorkerConfiguration {
  readonly configuration?: ConfigSnapshot | undefined;
}

/** Undefined in a process that nobody started as a worker. Launchers put it there, under this symbol. */
export function workerConfiguration(
  owner: { [key: symbol]: unknown } = process as unknown as { [key: symbol]: unknown },
): WorkerConfiguration | undefined {
  return owner[Symbol.for('portico.worker')] as WorkerConfiguration | undefined;
}
