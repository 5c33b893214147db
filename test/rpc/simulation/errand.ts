/** One call, cast, fanout or notification, with all that happens to it. */

/** Behaviour of its handler. */
export interface Fate {
  readonly ms: number;
  /** `retryable`: an error that makes a late method run again, `times` times. `heeds`: ends when its signal is aborted. */
  readonly how: 'ok' | 'throws' | 'retryable' | 'heeds' | 'endless';
  readonly times: number;
}

/** A run of its handler. */
export interface Run {
  readonly process: string;
  readonly at: number;
  endedAt?: number;
  outcome?: 'ok' | 'threw' | 'signalled';
}

export class Errand {
  readonly n: number;
  readonly kind: 'call' | 'cast' | 'fanout' | 'notice';
  readonly method: 'once' | 'late' | 'notice';
  readonly to: string;
  /** The process that sends it. */
  readonly from: string;
  readonly fate: Fate;
  readonly at: number;
  /** Time at which its caller stops waiting. */
  readonly until: number;
  readonly monitorMs: number | undefined;
  readonly runs: Run[] = [];
  settledAt: number | undefined;
  /** `ok`, or the code of the error. */
  outcome: string | undefined;
  error: Error | undefined;
  result: unknown;
  abortedAt: number | undefined;
  /** Number of copies that the network made of it. */
  copies = 0;
  /** Ids of its messages. */
  readonly ids = new Set<string>();
  /** Why the broker has discarded it. */
  readonly discards: string[] = [];
  /** Number of times that it became a dead letter, and that dead letters were sent again. */
  deaths = 0;
  replays = 0;
  /** Number of acknowledgements that were written, and did not reach the broker. */
  lostAcks = 0;
  /** Processes that have dropped it. */
  readonly drops: string[] = [];
  /** True if a process died that had acknowledged it, and not begun it. */
  isLostWithProcess = false;

  constructor(
    made: Pick<Errand, 'n' | 'kind' | 'method' | 'to' | 'from' | 'fate' | 'at' | 'until'> & {
      readonly monitorMs?: number | undefined;
    },
  ) {
    this.n = made.n;
    this.kind = made.kind;
    this.method = made.method;
    this.to = made.to;
    this.from = made.from;
    this.fate = made.fate;
    this.at = made.at;
    this.until = made.until;
    this.monitorMs = made.monitorMs;
  }

  get name(): string {
    return `${this.kind} ${this.n} (${this.method}, ${this.to})`;
  }

  /** Runs of one process. */
  runsOf(process: string): Run[] {
    return this.runs.filter((run) => run.process === process);
  }

  get hasSucceeded(): boolean {
    return this.runs.some(({ outcome }) => outcome === 'ok');
  }
}
