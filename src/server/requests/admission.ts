/**
 * How many requests are at work at once. What is beyond the limit waits in the order it came; nothing is refused.
 */
import type { Exchange } from '../connections/connections.js';

/** Lets requests in, at most `limit` at a time, and none while paused. */
export class Admission {
  readonly #run: (exchange: Exchange) => void;
  #atWork = 0;
  readonly #waiting: Exchange[] = [];
  #paused = false;
  #limit: number;

  /** `limit`: requests at once; 0 is no limit. `run` is called for each as it is let in. */
  constructor(limit: number, run: (exchange: Exchange) => void) {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.#run = run;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Changes the limit; requests that fit at once are let in. */
  set limit(limit: number) {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.#letIn();
  }

  /** Runs a request now, or when its turn comes. */
  enter(exchange: Exchange): void {
    if (this.#paused || this.#atWork >= this.#limit) {
      this.#waiting.push(exchange);
      return;
    }
    this.#letInOne(exchange);
  }

  /** Counts a request out, whether it was let in or still waited; the next takes its place. */
  leave(exchange: Exchange): void {
    if (exchange.admitted) {
      exchange.admitted = false;
      this.#atWork--;
      if (this.#waiting.length > 0) this.#letIn();
      return;
    }
    const place = this.#waiting.indexOf(exchange);
    if (place >= 0) this.#waiting.splice(place, 1);
  }

  /** Holds what comes from now on; what is at work goes on. */
  pause(): void {
    this.#paused = true;
  }

  /** Lets in what was held. */
  resume(): void {
    this.#paused = false;
    this.#letIn();
  }

  /** Holds what comes. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Requests that were let in and are not done. */
  get atWork(): number {
    return this.#atWork;
  }

  #letIn(): void {
    while (!this.#paused && this.#waiting.length > 0 && this.#atWork < this.#limit) {
      this.#letInOne(this.#waiting.shift()!);
    }
  }

  #letInOne(exchange: Exchange): void {
    exchange.admitted = true;
    this.#atWork++;
    this.#run(exchange);
  }
}
