/**
 * Comparing passwords away from the event loop, a few at a time.
 */
import { Worker } from 'node:worker_threads';
import { Fault } from '../../app/index.js';
import { ownFile } from '../../own-files.js';

/** Questions that wait for each thread; more are turned away. */
const QUEUE_PER_THREAD = 8;

interface Waiting {
  readonly resolve: (equal: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** A few threads, started when they are first needed, that compare passwords. */
export class PasswordChecker {
  readonly #size: number;
  readonly #threads: { readonly worker: Worker; readonly waiting: Map<number, Waiting> }[] = [];
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Whether the password belongs to the hash. Rejects with a 503 `Fault` when too many are waiting already. */
  check(password: string, hash: string): Promise<boolean> {
    const thread = this.#idlest();
    if (thread === undefined) {
      const headers = { 'retry-after': '1' };
      return Promise.reject(new Fault(503, { message: 'Too many logins at the moment.', headers }));
    }
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      thread.waiting.set(id, { resolve, reject });
      // Only while somebody waits does the thread keep the process alive.
      thread.worker.ref();
      thread.worker.postMessage({ id, password, hash });
    });
  }

  /** Ends the threads. What still waits is rejected. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #idlest() {
    const [idlest] = this.#threads.toSorted((a, b) => a.waiting.size - b.waiting.size);
    if (idlest !== undefined && idlest.waiting.size === 0) return idlest;
    if (this.#threads.length < this.#size) return this.#start();
    return idlest !== undefined && idlest.waiting.size < QUEUE_PER_THREAD ? idlest : undefined;
  }

  #start() {
    const worker = new Worker(ownFile('middleware/auth/basic-auth-worker.js'));
    const waiting = new Map<number, Waiting>();
    const thread = { worker, waiting };
    worker.on('message', ({ id, equal }: { id: number; equal: boolean }) => {
      waiting.get(id)?.resolve(equal);
      waiting.delete(id);
      if (waiting.size === 0) worker.unref();
    });
    let failure: unknown = new Error('the thread that checks passwords ended');
    worker.on('error', (error) => {
      failure = error;
    });
    worker.on('exit', () => {
      const at = this.#threads.indexOf(thread);
      if (at >= 0) this.#threads.splice(at, 1);
      for (const { reject } of waiting.values()) reject(failure);
      waiting.clear();
    });
    this.#threads.push(thread);
    return thread;
  }
}
