/**
 * Rest of a process that has nothing to do: its heartbeats become rare, and the delays of its event loop are not measured. Its first request
 * ends the rest before an app gets it.
 */
import { type RequestsInHand, requestsInHand } from '../../process/index.js';

/** Interval of heartbeats at rest for the watch thread, and of those for a parent. */
export const REST_BEAT_MS = 3000;
export const REST_MS = 9000;
/** Seconds without a request and almost without work after which a process rests. */
const QUIET_SECONDS = 3;
/** Share of a second in which the event loop of a process at rest may be busy. */
const BUSY = 0.05;

/** The requests of the process. */
type Requests = Pick<RequestsInHand, 'idle' | 'serial' | 'atRest' | 'woken'>;

export class Rest {
  /** True while the process is at rest. */
  #isResting = false;
  #quietSeconds = 0;
  #serial = 0;
  #isAllowed = false;
  readonly #requests: Requests;
  readonly #woken: () => void;

  /** `woken` is called when a request or a question ends the rest. */
  constructor(woken: () => void, requests: Requests = requestsInHand) {
    this.#requests = requests;
    this.#woken = woken;
    requests.woken = () => this.wake();
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  /** Lets the process rest from now on: it serves. */
  allow(): void {
    this.#isAllowed = true;
  }

  /** Called once a second with the share of it in which the event loop was busy; begins and ends the rest. */
  look(utilization: number): void {
    const { idle, serial } = this.#requests;
    const isQuiet = this.#isAllowed && idle && serial === this.#serial && utilization < BUSY;
    this.#serial = serial;
    this.#quietSeconds = isQuiet ? this.#quietSeconds + 1 : 0;
    if (!isQuiet) this.end();
    else if (this.#quietSeconds >= QUIET_SECONDS) {
      this.#isResting = true;
      this.#requests.atRest = true;
    }
  }

  /** Ends the rest, because of a request or a question. */
  wake(): void {
    if (!this.#isResting) return;
    this.end();
    this.#woken();
  }

  /** Ends the rest. */
  end(): void {
    this.#quietSeconds = 0;
    this.#isResting = false;
    this.#requests.atRest = false;
  }
}
