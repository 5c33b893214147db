/**
 * A file read without waiting: to open a FIFO is to wait for its writer, and a process that waits so does nothing else.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { ignoreErrors } from '../errors/index.js';

/**
 * Bytes of a file; undefined for one that cannot be read, and for a FIFO. It is looked at before it is opened, which would wake a
 * FIFO's writer, and again after.
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
