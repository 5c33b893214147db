/**
 * A file read without waiting: to open a FIFO is to wait for its writer, and a process that waits so does nothing else.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { ignoreErrors } from '../errors/index.js';

/** In place of the bytes of a FIFO. */
export const IS_FIFO = 'should be a file, is a FIFO';

/** Bytes of a file; undefined for one that cannot be read. It is looked at before it is opened, which would wake a FIFO's writer, and again after. */
export function readUnlessFifo(path: string): Buffer | typeof IS_FIFO | undefined {
  return ignoreErrors(() => {
    if (statSync(path).isFIFO()) return IS_FIFO;
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return fstatSync(file).isFIFO() ? IS_FIFO : readFileSync(file);
    } finally {
      closeSync(file);
    }
  });
}
