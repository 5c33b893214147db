/**
 * What a launcher tells the service manager that started it, in the order in which it happens.
 */
import type { Logger } from '../../log.js';
import type { HostProcess } from '../process/host-process.js';
import { notify, notifyOnce } from './systemd.js';

/** Silent without `NOTIFY_SOCKET`. Nothing here delays its caller; what cannot be sent is logged at debug. */
export class ServiceManager {
  readonly #env: NodeJS.ProcessEnv;
  readonly #host: HostProcess;
  readonly #log: Logger;
  #queue: Promise<unknown> = Promise.resolve();
  #watchdog: NodeJS.Timeout | undefined;
  #follower: NodeJS.Timeout | undefined;
  #status: () => string = () => '';
  #told = '';

  constructor(host: HostProcess, log: Logger) {
    this.#host = host;
    this.#log = log;
    // Remembered: the variable goes with the first message, so that nobody else speaks for this process.
    this.#env = { NOTIFY_SOCKET: host.env.NOTIFY_SOCKET };
  }

  /** All services serve. `status` gives a line for people, which follows what happens, at most once a second. */
  ready(status: () => string): void {
    this.#enqueue(() => notifyOnce({ env: this.#host.env, log: this.#log }));
    this.#status = status;
    this.#tellStatus();
    if (!this.#enabled) return;
    this.#follower = setInterval(() => this.#tellStatus(), 1000);
    this.#follower.unref();
  }

  /** A reload begins; its end is told by {@link reloaded}. */
  reloading(): void {
    const microseconds = process.hrtime.bigint() / 1000n;
    this.#enqueue(() => this.#send(`RELOADING=1\nMONOTONIC_USEC=${microseconds}`));
  }

  reloaded(): void {
    this.#enqueue(() => this.#send('READY=1'));
    this.#tellStatus();
  }

  stopping(): void {
    clearInterval(this.#watchdog);
    clearInterval(this.#follower);
    this.#enqueue(() => this.#send('STOPPING=1'));
  }

  /** From now on, as often as the service manager asks for: a sign of life, unless `healthy` denies it. */
  watch(healthy: () => boolean): void {
    const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = this.#host.env;
    const halfMs = Number(microseconds) / 2000;
    const meant = pid === undefined || pid === '' || Number(pid) === this.#host.pid;
    if (!this.#enabled || !meant || !(halfMs > 0)) return;
    this.#watchdog = setInterval(() => {
      if (healthy()) this.#enqueue(() => this.#send('WATCHDOG=1'));
    }, halfMs);
    this.#watchdog.unref();
  }

  #tellStatus(): void {
    const status = this.#status();
    if (status === this.#told) return;
    this.#told = status;
    this.#enqueue(() => this.#send(`STATUS=${status}`));
  }

  get #enabled(): boolean {
    return (this.#env.NOTIFY_SOCKET ?? '') !== '';
  }

  #send(state: string): Promise<boolean> {
    return notify({ env: this.#env, log: this.#log, state });
  }

  #enqueue(send: () => Promise<unknown>): void {
    if (this.#enabled) this.#queue = this.#queue.then(send);
  }
}
