/**
 * What a parent process handed to this one before its main module ran: which worker it is, and with which configuration.
 */
import type { ConfigSnapshot } from '../generations/state.js';

/** Which worker a process is. */
export interface WorkerAssignment {
  /** The name of the one service it runs. */
  readonly service: string;
  /** 0 to `workers` - 1, stable over replacements. */
  readonly index: number;
  readonly workers: number;
  /** Which accepted configuration it begins with, counted from 1. */
  readonly generation: number;
}

/** The part of what was handed over that is not the launcher's own affair. */
export interface WorkerConfiguration {
  readonly assignment?: WorkerAssignment | undefined;
  readonly configuration?: ConfigSnapshot | undefined;
}

type Owner = { readonly [key: symbol]: unknown };

/** Where launchers leave it on the process of a worker. */
const WORKER_LINK = Symbol.for('portico.worker');

/** Undefined in a process that nobody started as a worker. */
export function workerConfiguration(owner: Owner = process as unknown as Owner): WorkerConfiguration | undefined {
  return owner[WORKER_LINK] as WorkerConfiguration | undefined;
}

/** Which worker this process is; undefined in one that nobody started as a worker. */
export function workerAssignment(owner?: Owner): WorkerAssignment | undefined {
  return workerConfiguration(owner)?.assignment;
}
