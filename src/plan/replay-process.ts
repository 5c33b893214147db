/**
 * Trials of logged requests in a state: a child process composes its APIs, reads lists of requests, a line of JSON each, and returns lists of
 * verdicts.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { inTime, refusal, type StateSource, spawnIn } from './state-process.js';
import type { ValuePath } from './value-path.js';

/** A request for a trial. */
export interface ReplayedRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string | null;
  /** The API, or the port, that it was sent to; null: the only API. */
  readonly api: string | null;
  readonly port: number | null;
}

/** An error that a schema found in a request. */
export interface ReplayIssue {
  readonly value: ValuePath;
  /** `query.limit must be <= 50` */
  readonly text: string;
}

/** The result of a trial. */
export interface ReplayVerdict {
  /** Null: no API of the state is meant. */
  readonly api: string | null;
  /** Null: the action decides, or an app that is not called. */
  readonly status: number | null;
  /** Template of the route, with its mounts. */
  readonly route: string | null;
  readonly action: string | null;
  /** Errors that the schemas found. */
  readonly issues: readonly ReplayIssue[];
  /** True if the action has a schema for the body, which no log has. */
  readonly lacksBody: boolean;
  /** False: no part of the state responded in time, such as a filter that waits for another server. */
  readonly isAnswered: boolean;
}

/** Longest text of a child that is kept for an error. */
const LONGEST_ERROR = 10_000;

/** Longest time that a child may take to close its apps. */
const CLOSING_MS = 2000;

function hintFor(said: string): string | undefined {
  return /unknown option/.test(said)
    ? 'The Portico that is installed there has no replay: install the version of this one there.'
    : undefined;
}

/** A child process for a state. */
export class ReplayProcess {
  readonly #child: ChildProcess;
  readonly #label: string;
  readonly #answers: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  readonly #end: () => void;
  #said = '';

  constructor(source: StateSource) {
    this.#label = source.label;
    // The application may print on standard output.
    const { child, end } = spawnIn(source, ['--answer-replay'], ['pipe', 'ignore', 'pipe', 'pipe']);
    this.#child = child;
    this.#end = end;
    const { stdin, stderr, stdio } = this.#child;
    this.#ended = once(this.#child, 'close').catch((error: unknown) => error);
    // It has ended: the missing response says so.
    stdin!.on('error', () => undefined);
    stderr!.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-LONGEST_ERROR);
    });
    this.#answers = createInterface({ input: stdio[3] as Readable })[Symbol.asyncIterator]();
  }

  /** Returns the verdict of each request. Throws `PORTICO_PLAN_STATE` if the state cannot be composed. */
  async ask(requests: readonly ReplayedRequest[]): Promise<readonly ReplayVerdict[]> {
    const stdin = this.#child.stdin as Writable;
    stdin.write(`${JSON.stringify(requests)}\n`);
    const late = `${this.#label} has not responded to ${requests.length} replayed requests`;
    const { value, done } = await inTime(this.#answers.next(), this.#end, late);
    if (done !== true) return JSON.parse(value) as readonly ReplayVerdict[];
    await this.#ended;
    throw refusal(`${this.#label} responds to no replayed requests`, this.#said, hintFor);
  }

  /** Ends the child, which may close its apps. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    const limit = setTimeout(this.#end, CLOSING_MS);
    await this.#ended;
    clearTimeout(limit);
    this.#end();
  }
}
