/** Compares passwords in worker threads, with a fair queue for each client. */
import { Worker } from 'node:worker_threads';
import { Fault } from '../../app/index.js';
import { ownFile } from '../../process/index.js';
import type { PasswordQuestion } from './basic-auth-worker.js';

/** Maximum number of queued checks per thread. */
const WAITING_PER_THREAD = 8;

/** Maximum number of refused clients that are remembered. */
const MAX_REFUSED = 10_000;

interface Waiting {
  readonly question: PasswordQuestion;
  readonly resolve: (equal: boolean) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  asked: Waiting | undefined;
}

/**
 * Compares passwords in a few threads, which start on first use. Clients take turns: a client with one check waits for at most one check
 * of each other client.
 *
 * If too many checks wait, the client with the longest queue loses its newest one. Of several such clients, one whose last password was
 * wrong loses it, so that guesses from many addresses cannot lock out the others.
 */
export class PasswordChecker {
  readonly #size: number;
  readonly #random: () => number;
  /** Clients whose last password was wrong, the most recent last. */
  readonly #refused = new Set<string>();
  readonly #threads = new Set<Thread>();
  /** The queues by client, in the order of their turns. No queue is empty. */
  readonly #lines = new Map<string, Waiting[]>();
  #waiting = 0;

  /** `random` returns numbers from 0 to 1, exclusive of 1. */
  constructor(size: number, random: () => number = Math.random) {
    this.#size = size;
    this.#random = random;
  }

  /** Reports whether the password matches the first hash. Rejects with a `Fault` 503 if too many checks wait. */
  check(question: PasswordQuestion, client: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const line = this.#lines.get(client) ?? [];
      const answer = (equal: boolean): void => {
        this.#remember(client, equal);
        resolve(equal);
      };
      line.push({ question, resolve: answer, reject });
      this.#lines.set(client, line);
      this.#waiting++;
      this.#next();
      if (this.#waiting > this.#size * WAITING_PER_THREAD) this.#turnAway();
    });
  }

  /** Terminates the threads and rejects queued checks. */
  async close(): Promise<void> {
    for (const { reject } of [...this.#lines.values()].flat()) reject(tooMany());
    this.#lines.clear();
    this.#waiting = 0;
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  /** Assigns queued checks to idle threads. */
  #next(): void {
    while (this.#waiting > 0) {
      const idle = [...this.#threads].find(({ asked }) => asked === undefined);
      if (idle === undefined && this.#threads.size >= this.#size) return;
      this.#ask(idle ?? this.#start(), this.#take());
    }
  }

  #take(): Waiting {
    const [client, line] = this.#lines.entries().next().value!;
    const first = line.shift()!;
    this.#lines.delete(client);
    if (line.length > 0) this.#lines.set(client, line);
    this.#waiting--;
    return first;
  }

  #remember(client: string, equal: boolean): void {
    this.#refused.delete(client);
    if (!equal) this.#refused.add(client);
    if (this.#refused.size > MAX_REFUSED) this.#refused.delete(this.#refused.values().next().value!);
  }

  /** Rejects the newest check of a longest queue. Prefers the queues of refused clients, and chooses at random among equal ones. */
  #turnAway(): void {
    const most = Math.max(...[...this.#lines.values()].map(({ length }) => length));
    const longest = [...this.#lines].filter(([, { length }]) => length === most);
    const refused = longest.filter(([client]) => this.#refused.has(client));
    const choice = refused.length > 0 ? refused : longest;
    const [client, line] = choice[Math.floor(this.#random() * choice.length)]!;
    line.pop()!.reject(tooMany());
    if (line.length === 0) this.#lines.delete(client);
    this.#waiting--;
  }

  #ask(thread: Thread, waiting: Waiting): void {
    thread.asked = waiting;
    // The thread keeps the process alive only during a check.
    thread.worker.ref();
    thread.worker.postMessage(waiting.question);
  }

  #start(): Thread {
    const worker = new Worker(ownFile('middleware/auth/basic-auth-worker.js'));
    const thread: Thread = { worker, asked: undefined };
    worker.on('message', (equal: boolean) => {
      thread.asked?.resolve(equal);
      thread.asked = undefined;
      worker.unref();
      this.#next();
    });
    let failure: unknown = new Error('the thread that checks passwords ended');
    worker.on('error', (error) => {
      failure = error;
    });
    worker.on('exit', () => {
      this.#threads.delete(thread);
      thread.asked?.reject(failure);
      this.#next();
    });
    this.#threads.add(thread);
    return thread;
  }
}

function tooMany(): Fault {
  return new Fault(503, { message: 'Too many logins at the moment.', headers: { 'retry-after': '1' } });
}
