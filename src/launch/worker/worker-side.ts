/**
 * A `ProcessLauncher` inside a worker: it starts the one service the worker was assigned, and never takes the parent's
 * path.
 */

import type { ConfigSnapshot } from '../../config/index.js';
import { errorText } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { Meter } from '../../metrics/index.js';
import type { Awaitable, ListeningService, ServiceBase, WorkerContext } from '../../service/index.js';
import { isListening } from '../../service/internal.js';
import type { LaunchedService } from '../assignment.js';
import { STATUS_FAILED } from '../exit-status.js';
import { InProcessRunner } from '../in-process/in-process-runner.js';
import { checkService, checkWorkers, type LauncherOptions, serviceName } from '../launcher.js';
import { LauncherCore } from '../launcher-core.js';
import type { LaunchSettings } from '../launcher-options.js';
import { HookList } from '../process/hook-list.js';
import {
  exitProcess,
  type HostProcess,
  holdAlive,
  programName,
  setTitle,
  workerTitle,
} from '../process/host-process.js';
import { logFailure } from '../process/log-failure.js';
import { digest } from '../reload/file-changes.js';
import type { Telling } from '../report/diagnosis.js';

import { within } from '../waiting.js';
import type { ParentLink } from './parent-link.js';
import { WorkerSockets } from './worker-sockets.js';
import { notLaunched } from './worker-start.js';

/** How long a worker may take to tell its parent that it ends. */
const LAST_WORD_MS = 500;

export class WorkerSide {
  readonly core: LauncherCore<InProcessRunner>;
  readonly newWorker: HookList<[service: string, workerId: number, instance: ServiceBase]>;
  readonly #link: ParentLink;
  readonly #log: Logger;
  readonly #host: HostProcess;
  readonly #options: LauncherOptions;
  readonly #launched: LaunchedService[] = [];
  readonly #sockets: WorkerSockets;
  /** Of what concerns the process. */
  readonly #meter = new Meter();
  #found = false;
  #cutOff = false;
  /** Lets go of what was built and never started. */
  #letGo: () => Awaitable<void> = () => undefined;
  #explained: Promise<void> = Promise.resolve();

  constructor(link: ParentLink, options: LauncherOptions) {
    this.#link = link;
    this.#options = options;
    this.#sockets = new WorkerSockets(link.sockets, link.assignment.index);
    const { assignment } = link;
    const startFailed = (_: string, error: unknown): void => {
      this.#explained = link.explain(error);
    };
    const worker: WorkerContext = {
      id: assignment.index,
      workers: assignment.workers,
      generation: assignment.generation,
      supervised: true,
      requestReplacement: (reason) => void link.send({ kind: 'replace', reason }),
    };
    const inner = {
      ...options,
      settings: link.settings,
      worker,
      stopBegins: () => this.#sockets.close(),
      cutOff: () => {
        this.#cutOff = true;
      },
      startFailed,
    };
    this.core = new LauncherCore(inner, (core) => new InProcessRunner(core, inner));
    this.#log = this.core.log;
    this.#host = this.core.host;
    this.newWorker = new HookList('new worker', this.#log);
  }

  async launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    const workers = checkWorkers(options.workers);
    const name = serviceName(checkService(service));
    this.#launched.push({ name, workers });
    if (name !== this.#link.assignment.service || this.#found) return;
    this.#found = true;
    this.#takeOver(service);
    if (isListening(service)) this.#listen(service);
    if (this.#link.rehearse) await this.#rehearse(service);
    await this.newWorker.run(name, this.#link.assignment.index, service);
    try {
      await this.core.runner.launchService(service);
    } catch {
      // It was explained to the parent, and the process ends: the program is not to go on.
      return new Promise(() => undefined);
    }
    if (!this.core.stopping) this.#link.ready();
  }

  /** Ends the process with the service's status; never returns. */
  async wait(): Promise<number> {
    this.#link.launched(this.#launched);
    if (!this.#found) {
      const names = this.#launched.map(({ name }) => name);
      await this.#link.fail(notLaunched(this.#link.assignment.service, names));
    }
    holdAlive();
    return new Promise<number>(() => undefined);
  }

  #listen(service: ListeningService): void {
    service.useSockets(this.#sockets.own());
    this.#link.on('adopt', (message: { slot: number }) => {
      const { slot } = message;
      this.#sockets.adopt(service, slot, this.#link.takeSockets()).catch((error: unknown) => {
        this.#log.warn(`worker ${slot} cannot be helped out`, { service: service.name, err: error });
      });
    });
    this.#link.on('release', ({ slot }) => this.#sockets.release(slot));
  }

  /** In the spare child of a reload: builds what the service will need, and goes on when the parent says so, or never. */
  async #rehearse(service: ServiceBase): Promise<void> {
    try {
      this.#letGo = (await service.prepare?.()) ?? this.#letGo;
    } catch (error) {
      await this.#link.fail(error);
      return new Promise(() => undefined);
    }
    const told = new Promise<void>((resolve) => {
      this.#link.on('start', () => resolve());
    });
    const { config } = this.#options;
    const files = new Map((config?.filesRead ?? []).map((path) => [path, digest(config!.readFile(path))]));
    void this.#link.send({ kind: 'rehearsed', files });
    await told;
  }

  #takeOver(service: ServiceBase): void {
    const { core } = this;
    const { runner } = core;
    const link = this.#link;
    core.takeSignals();
    const { service: name, index } = link.assignment;
    if (this.#options.signals !== false) {
      setTitle(this.#host, workerTitle(this.#options.prog ?? programName(this.#host), name, index));
    }
    link.releaseSignals();
    link.warn = (text) => this.#log.warn(text, { service: name, workerId: index });
    link.onGone(() => void this.#orphaned());
    link.onUncaught((error) => void core.crash(error));
    link.on('drain', ({ reason, timeoutMs }) => {
      void core.drain({ reason, timeoutMs });
      // The service was asked to stop accepting, and most do within a turn of the loop; a write to the registry may come before.
      setImmediate(() => void link.send({ kind: 'draining' }));
    });
    link.on('mutate', ({ id, configuration, settings }) => {
      void this.#mutate(configuration, settings).then((accepted) => link.send({ kind: 'done', id, accepted }));
    });
    link.on('reopen', () => this.#log.reopen?.());
    link.on('ask', ({ id, topic, body }) => {
      void runner.questions.ask(topic, body).then(
        (answer) => link.send({ kind: 'answer', id, body: answer }),
        (error: unknown) => link.send({ kind: 'answer', id, error: errorText(error) }),
      );
    });
    link.addFacts(() => runner.facts());
    link.onBeat = () => void this.#tellCounted(service);
    void core.wait().then(async (status) => {
      await this.#explained;
      await within(LAST_WORD_MS, attempt(this.#letGo));
      await within(LAST_WORD_MS, this.#tellCounted(service));
      await within(LAST_WORD_MS, link.send({ kind: 'ended', status, cutOff: this.#cutOff }));
      exitProcess(this.#host, status);
    });
  }

  async #tellCounted(service: ServiceBase & Telling): Promise<void> {
    this.#meter.follow('logLinesLost', [], this.#log.lost?.() ?? 0);
    const { buckets, series } = service.meter?.take() ?? { buckets: [], series: [] };
    const all = [...series, ...this.#meter.take().series];
    if (all.length > 0) await this.#link.send({ kind: 'counted', buckets, series: all });
  }

  async #mutate(configuration: unknown, settings: LaunchSettings): Promise<boolean> {
    try {
      const changes = await this.#options.config?.adopt(configuration as ConfigSnapshot);
      this.#link.settings = settings;
      this.core.runner.settings = settings;
      return await this.core.runner.reset(changes ?? new Map());
    } catch (error) {
      logFailure(this.#log, 'The new configuration does not fit this worker', error);
      return false;
    }
  }

  async #orphaned(): Promise<void> {
    this.#log.error('Parent process has died unexpectedly, exiting');
    await this.core.drain({ reason: 'stop', timeoutMs: this.#link.settings.gracefulShutdownTimeoutMs }, STATUS_FAILED);
  }
}

async function attempt(work: () => Awaitable<void>): Promise<void> {
  try {
    await work();
  } catch {
    // The process ends: what could not be let go of goes with it.
  }
}
