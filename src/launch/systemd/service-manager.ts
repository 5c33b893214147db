/**
 * What a launcher tells the service manager that started it, in the order in which it happens.
 */
import type { Logger } from '../../log/index.js';
import type { HostProcess } from '../process/host-process.js';
import { HELPER_TIMEOUT_MS, notify, notifyOnce } from './notify.js';

/** What is said; of a status or a sign of life only the latest counts. */
type Word = 'ready' | 'reloading' | 'status' | 'watchdog' | 'stopping';

/** So long all that is said from a stop on may hold the end of the process, should the helper that sends it hang. */
const LAST_WORDS_MS = 2000;

/** Silent without `NOTIFY_SOCKET`. Nothing here delays its caller; what cannot be sent is logged at debug. */
export class ServiceManager {
  readonly #env: NodeJS.ProcessEnv;
  readonly #host: HostProcess;
  readonly #log: Logger;
  #waiting: readonly { readonly word: Word; send(timeoutMs: number): Promise<unknown> }[] = [];
  #sending = false;
  #endBy = Number.POSITIVE_INFINITY;
  #watchdog: NodeJS.Timeout | undefined;
  #follower: NodeJS.Timeout | undefined;
  #status: () => string = () => '';
  #told = '';

  constructor(host: HostProcess, log: Logger) {
    this.#host = host;
    this.#log = log;
    // Remembered: the variable goes with the first message, so that no child process speaks for this one.
    this.#env = { NOTIFY_SOCKET: host.env.NOTIFY_SOCKET };
  }

  /** All services serve. `status` gives a line for people, which follows what happens, at most once a second. */
  ready(status: () => string): void {
    this.#enqueue('ready', (timeoutMs) => notifyOnce({ env: this.#host.env, log: this.#log, timeoutMs }));
    this.#status = status;
    this.#tellStatus();
    if (!this.#enabled) return;
    this.#follower = setInterval(() => this.#tellStatus(), 1000);
    this.#follower.unref();
  }

  /** A reload begins; its end is told by {@link reloaded}. */
  reloading(): void {
    const microseconds = process.hrtime.bigint() / 1000n;
    this.#say('reloading', `RELOADING=1\nMONOTONIC_USEC=${microseconds}`);
  }

  reloaded(): void {
    this.#say('ready', 'READY=1');
    this.#tellStatus();
  }

  /** States that were not sent by now are obsolete. */
  stopping(): void {
    clearInterval(this.#watchdog);
    clearInterval(this.#follower);
    this.#waiting = [];
    this.#endBy = performance.now() + LAST_WORDS_MS;
    this.#say('stopping', 'STOPPING=1');
  }

  /**
   * From now on, as often as the service manager asks for: a sign of life, unless `healthy` denies it, which is told how
   * long the service manager waits, in milliseconds.
   */
  watch(healthy: (limitMs: number) => boolean): void {
    const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = this.#host.env;
    const halfMs = Number(microseconds) / 2000;
    const meant = pid === undefined || pid === '' || Number(pid) === this.#host.pid;
    if (!this.#enabled || !meant || !(halfMs > 0)) return;
    this.#watchdog = setInterval(() => {
      if (healthy(2 * halfMs)) this.#say('watchdog', 'WATCHDOG=1');
    }, halfMs);
    this.#watchdog.unref();
  }

  #tellStatus(): void {
    const status = this.#status();
    if (status === this.#told) return;
    this.#told = status;
    this.#say('status', `STATUS=${status}`);
  }

  get #enabled(): boolean {
    return (this.#env.NOTIFY_SOCKET ?? '') !== '';
  }

  #say(word: Word, state: string): void {
    this.#enqueue(word, (timeoutMs) => notify({ env: this.#env, log: this.#log, state, timeoutMs }));
  }

  #enqueue(word: Word, send: (timeoutMs: number) => Promise<unknown>): void {
    if (!this.#enabled) return;
    const stale = word === 'status' || word === 'watchdog';
    this.#waiting = [...this.#waiting.filter((other) => !stale || other.word !== word), { word, send }];
    if (!this.#sending) void this.#sendAll();
  }

  /** One after another: their order means something. */
  async #sendAll(): Promise<void> {
    this.#sending = true;
    for (let [next, ...rest] = this.#waiting; next !== undefined; [next, ...rest] = this.#waiting) {
      this.#waiting = rest;
      const left = this.#endBy - performance.now();
      if (left > 0) await next.send(Math.ceil(Math.min(left, HELPER_TIMEOUT_MS)));
    }
    this.#sending = false;
  }
}
