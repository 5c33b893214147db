/**
 * Notices that the program on disk is no longer the one that was launched: a worker that is started then runs other code
 * than its siblings.
 */
import { statSync } from 'node:fs';

/** Remembers a module's time of change. */
export class CodeChange {
  readonly #path: string;
  readonly #before: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#before = modified(path);
  }

  /** True when the module was changed, or is gone, since this object was made. */
  get changed(): boolean {
    return modified(this.#path) !== this.#before;
  }
}

function modified(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
