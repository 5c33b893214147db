/**
 * Comparing passwords away from the event loop, a few at a time, so that each caller gets a turn.
 */
import { Worker } from 'node:worker_threads';
import { Fault } from '../../app/index.js';
import { ownFile } from '../../process/index.js';
import type { PasswordQuestion } from './basic-auth-worker.js';

/** Questions that may wait for each thread. */
const WAITING_PER_THREAD = 8;

/** Refused clients remembered at once. */
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
 * A few threads, started when they are first needed, that compare passwords. Clients take turns: one that asks once waits for
 * one question of each other client at most, however many those have. If too many wait, the client with the most loses its
 * newest; of several with as many, one that was refused before, so that guesses from many addresses shut no client out for good.
 */
export class PasswordChecker {
  readonly #size: number;
  readonly #random: () => number;
  /** Clients whose last password was wrong, the latest at the end. */
  readonly #refused = new Set<string>();
  readonly #threads = new Set<Thread>();
  /** By client, the one whose turn is next first. None is empty. */
  readonly #lines = new Map<string, Waiting[]>();
  #waiting = 0;

  /** `random` gives numbers from 0 to 1, without 1. */
  constructor(size: number, random: () => number = Math.random) {
    this.#size = size;
    this.#random = random;
  }

  /** Whether the password belongs to the first hash. Rejects with a 503 `Fault` when too many are waiting. */
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

  /** Ends the threads. Waiting checks are rejected. */
  async close(): Promise<void> {
    for (const { reject } of [...this.#lines.values()].flat()) reject(tooMany());
    this.#lines.clear();
    this.#waiting = 0;
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  /** Gives idle threads their next questions. */
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

  /** The newest of the longest line; of equal ones any, among those of refused clients where there are such. */
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
    // Only while a client waits does the thread keep the process alive.
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
