/**
 * Reads a file without waiting: opening a FIFO waits for its writer, and blocks the process.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { ignoreErrors } from '../errors/index.js';

/**
 * Returns the bytes of a file; undefined for one that cannot be read, and for a FIFO. Checks it before it is opened, which would wake a
 * FIFO's writer, and again afterwards.
 */
export function readUnlessFifo(path: string): Buffer | undefined {
  return ignoreErrors(() => {
    if (isFifo(path)) return undefined;
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return fstatSync(file).isFIFO() ? undefined : readFileSync(file);
    } finally {
      closeSync(file);
    }
  });
}

export function isFifo(path: string): boolean {
  return ignoreErrors(() => statSync(path).isFIFO()) === true;
}
