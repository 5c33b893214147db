/** A pretended worker process: the messages, signals and ends of a real one, in virtual time. */
import { EventEmitter } from 'node:events';
import type { StopReason } from 'portico/service';
import type { Clock } from 'portico/tasks';
import type { Configure, ToParent, ToWorker } from '../../../dist/launch/worker-message.js';
import type { Fate } from './fate.js';

/** Events of a worker, for the simulation. */
export interface WorkerWorld {
  readonly clock: Clock;
  /** The parent asked it to end. */
  told(worker: PretendedWorker, how: string): void;
  started(worker: PretendedWorker): void;
  ended(worker: PretendedWorker, how: string): void;
  /** True while the registry of services does not respond. */
  readonly isRegistryAway: boolean;
  /** The parent hears that it has left a value for the workers after it. */
  kept(worker: PretendedWorker): void;
  /** It listens on these descriptors. */
  listens(worker: PretendedWorker): void;
}

/** Time for which a start waits for a registry that does not respond. */
const REGISTRY_MS = 1000;

/** Interval of heartbeats. */
const BEAT_MS = 1000;

export class PretendedWorker extends EventEmitter {
  readonly pid: number | undefined;
  readonly stdio: unknown[] = [];
  readonly fate: Fate;
  connected: boolean;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  /** First message of the parent. */
  first!: Configure;
  alive: boolean;
  state: 'loading' | 'starting' | 'ready' | 'draining' = 'loading';
  /** True once the parent has heard that it is ready. */
  knownReady = false;
  /** True if it was asked to end, other than by a kill. */
  dismissed = false;
  /** Time of its last heartbeat. */
  beatAt: number;
  /** Time at which the parent asked it to end, and by a kill. */
  toldAt: number | undefined;
  killedAt: number | undefined;
  /** True while its event loop is stuck. */
  hung = false;
  /** True if it has closed its channel. */
  speechless = false;
  speechlessAt = Number.POSITIVE_INFINITY;
  /** Descriptors on which it listens, or will when it is ready. */
  readonly holds = new Set<number>();
  rss = 50 * 2 ** 20;
  /** True if its replacement was requested, and no successor has failed since. */
  wornOut = false;
  readonly #world: WorkerWorld;
  readonly #received: number[] = [];
  #early: ToWorker[] = [];
  /** True once its parent has asked it to serve. */
  #mayServe = false;
  #held: (() => void)[] = [];

  constructor(pid: number, fate: Fate, world: WorkerWorld) {
    super();
    this.fate = fate;
    this.#world = world;
    this.beatAt = world.clock.now();
    this.alive = fate.start !== 'unspawned';
    this.connected = this.alive;
    this.pid = this.alive ? pid : undefined;
    const refused = Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' });
    if (this.alive) this.#beat();
    else process.nextTick(() => this.emit('error', refused));
  }

  get name(): string {
    const { service, index, generation } = this.first.assignment;
    return `${service}/${index} (pid ${this.pid}, generation ${generation})`;
  }

  /** True while it accepts connections. */
  get accepts(): boolean {
    return this.alive && !this.hung && this.holds.size > 0 && (this.state === 'ready' || this.state === 'draining');
  }

  /** The parent's side of its channel. */
  send(message: ToWorker, socket?: { readonly fd: number }): void {
    if (message.kind === 'configure') {
      this.first = message;
      this.#world.started(this);
    }
    if (message.kind === 'drain') this.#told(`drain, ${message.reason}`);
    this.#later(this.fate.latencyMs, () => {
      if (this.speechless) return;
      if (message.kind === 'socket') this.#received.push(socket?.fd ?? 0);
      else if (this.state === 'loading' && message.kind !== 'configure') this.#early.push(message);
      else this.#hear(message);
    });
  }

  kill(signal: NodeJS.Signals): boolean {
    if (!this.alive) return false;
    this.#told(signal);
    const { killMs } = this.fate;
    const { clock } = this.#world;
    if (signal === 'SIGKILL') clock.after(killMs, () => this.end(null, signal));
    else {
      clock.after(killMs, () => {
        if (this.state === 'loading' && !this.hung) this.end(null, signal);
        else this.#terminate();
      });
    }
    return true;
  }

  say(message: ToParent): void {
    if (this.speechless) return;
    this.#world.clock.after(this.fate.latencyMs, () => {
      if (message.kind === 'ready') this.knownReady = true;
      if (message.kind === 'beat') this.beatAt = this.#world.clock.now();
      if (message.kind === 'keep') this.#world.kept(this);
      this.emit('message', { ...message, portico: true });
    });
  }

  /** Its event loop is stuck, for `ms` or for ever. */
  hang(ms?: number): void {
    this.hung = true;
    if (ms !== undefined) this.#world.clock.after(ms, () => this.#resume());
  }

  /** It closes its channel. Unless its event loop is stuck then, it ends as for a SIGTERM. */
  hangUp(isStuck: boolean): void {
    this.speechless = true;
    this.speechlessAt = this.#world.clock.now();
    this.#disconnect();
    if (isStuck) this.hang();
    else this.#terminate();
  }

  /** The process ends. */
  end(code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.alive) return;
    const { clock } = this.#world;
    const { latencyMs, killMs, holdsPipe } = this.fate;
    this.alive = false;
    this.holds.clear();
    this.#world.ended(this, signal ?? `status ${code}`);
    this.#disconnect();
    clock.after(killMs, () => {
      this.exitCode = code;
      this.signalCode = signal;
      this.emit('exit', code, signal);
    });
    if (!holdsPipe) clock.after(Math.max(latencyMs, killMs) + 0.1, () => this.emit('close'));
  }

  #told(how: string): void {
    this.#world.told(this, how);
    this.toldAt ??= this.#world.clock.now();
    if (how === 'SIGKILL') this.killedAt ??= this.#world.clock.now();
  }

  #terminate(): void {
    this.#later(1, () => this.#drain('stop', this.first.settings.gracefulShutdownTimeoutMs));
  }

  /** Work of its event loop, which waits while that is stuck. */
  #later(ms: number, act: () => void): void {
    this.#world.clock.after(ms, () => {
      if (this.hung) this.#held.push(act);
      else if (this.alive) act();
    });
  }

  #resume(): void {
    this.hung = false;
    const held = this.#held;
    this.#held = [];
    for (const act of held) if (this.alive) act();
  }

  #beat(): void {
    this.#world.clock.after(BEAT_MS, () => {
      if (!this.alive) return;
      const { rss } = this;
      if (!this.hung || (this.fate.beatsAnyway && this.state === 'draining'))
        this.say({ kind: 'beat', debugged: false, facts: { rss }, nextMs: 1000 });
      this.#beat();
    });
  }

  #disconnect(): void {
    this.#world.clock.after(this.fate.latencyMs, () => {
      if (!this.connected) return;
      this.connected = false;
      this.emit('disconnect');
    });
  }

  #hear(message: ToWorker): void {
    switch (message.kind) {
      case 'configure':
        this.#later(this.fate.loadMs, () => this.#load());
        break;
      case 'drain':
        this.#drain(message.reason, message.timeoutMs);
        break;
      case 'serve':
        this.#mayServe = true;
        this.#started();
        break;
      case 'mutate':
      case 'ask':
        this.#answer(message);
        break;
      default:
    }
  }

  #answer(message: Extract<ToWorker, { kind: 'ask' | 'mutate' }>): void {
    const { id, kind } = message;
    const body = kind === 'ask' ? 'yes' : { taken: this.fate.answer === 'takes', waiting: [] };
    if (this.fate.answer !== 'never') this.say({ kind: 'answer', id, body });
  }

  #load(): void {
    this.state = 'starting';
    for (const message of this.#early.splice(0)) this.#hear(message);
    const { start, startMs } = this.fate;
    if (start === 'silent') this.hang();
    else if (start !== 'waits')
      this.#later(startMs + (this.#world.isRegistryAway ? REGISTRY_MS : 0), () => this.#started());
  }

  #started(): void {
    if (this.state !== 'starting') return;
    const { start } = this.fate;
    if (start === 'fails' || start === 'refuses') {
      const refused = start === 'refuses';
      const code = refused ? 'PORTICO_CONFIGURATION_REFUSED' : undefined;
      this.say({ kind: 'failed', text: `it ${start}`, code, status: refused ? 78 : 1 });
      this.end(refused ? 78 : 1, null);
    } else if (start === 'exits') this.end(0, null);
    else if (start === 'dies') this.end(null, 'SIGSEGV');
    else if (this.first.builds === true) {
      this.say({ kind: 'built', diagnostics: [] });
      this.end(0, null);
    } else if (this.first.holds === true && !this.#mayServe) this.say({ kind: 'built', diagnostics: [] });
    else {
      this.state = 'ready';
      this.#listen(this.#received.splice(0));
      const workers = this.fate.asks;
      // Its record in the registry.
      if (!this.#world.isRegistryAway) this.say({ kind: 'keep', key: 'record', value: this.pid });
      this.say({ kind: 'ready', rss: this.rss, ...(workers === undefined ? {} : { workers }) });
    }
  }

  #listen(descriptors: readonly number[]): void {
    if (this.state !== 'ready') return;
    for (const descriptor of descriptors) this.holds.add(descriptor);
    this.#world.listens(this);
  }

  #drain(reason: StopReason, timeoutMs: number): void {
    const { end, endMs } = this.fate;
    if (this.state === 'draining') {
      if (end === 'idle' && reason !== 'replaced') this.#later(300, () => this.#finish(0));
      return;
    }
    const wasReady = this.state === 'ready';
    this.state = 'draining';
    if (!wasReady) {
      this.#later(Math.min(endMs, 500), () => this.#finish(0));
      return;
    }
    if (end === 'crashes') {
      this.#later(endMs, () => this.end(2, null));
      return;
    }
    if (end === 'deaf') {
      this.hang();
      return;
    }
    const delayMs = reason === 'stop' ? this.first.settings.drainDelayMs : 0;
    this.#later(delayMs + 1, () => {
      this.holds.clear();
      if (end !== 'quiet') this.say({ kind: 'draining' });
    });
    if (timeoutMs > 0) this.#later(timeoutMs, () => this.#finish(1));
    if (end === 'idle') this.#later(reason === 'replaced' ? 30_000 : 300, () => this.#finish(0));
    else if (end !== 'endless') this.#later(delayMs + endMs, () => this.#finish(0));
  }

  #finish(status: number): void {
    this.say({ kind: 'ended', status, cutOff: status !== 0 });
    this.end(status, null);
  }
}
