/** Questions of a parent to one worker that wait for its answer. */
import { type Deferred, deferred } from '../../tasks/internal.js';
import type { Told } from './worker-channel.js';

/** A question; its caller calls `forget` after the timeout. */
export interface Asked {
  readonly answer: Promise<unknown>;
  readonly forget: () => void;
}

export class Questions {
  readonly #answers = new Map<number, Deferred<unknown>>();
  #lastId = 0;

  /** Sends a question with its id. */
  ask(send: (id: number) => void): Asked {
    const id = ++this.#lastId;
    const answer = deferred<unknown>();
    this.#answers.set(id, answer);
    send(id);
    return { answer: answer.promise, forget: () => this.#answers.delete(id) };
  }

  /** An answer after the timeout has no question any more. */
  answered({ id, body, error }: Extract<Told, { kind: 'answer' }>): void {
    const answer = this.#answers.get(id);
    if (error === undefined) answer?.resolve(body);
    else answer?.reject(new Error(error));
  }

  /** Called when the worker has ended. */
  end(): void {
    for (const answer of this.#answers.values()) answer.reject(new Error('the worker ended'));
  }
}
