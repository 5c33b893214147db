/**
 * A `ProcessLauncher` inside a worker: it starts the one service the worker was assigned, and never takes the parent's
 * path.
 */
import type { ConfigSnapshot } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import type { Awaitable, ListeningService, ServiceBase } from '../../service/index.js';
import { isListening } from '../../service/internal.js';
import type { LaunchedService } from '../assignment.js';
import { STATUS_FAILED } from '../exit-status.js';
import { checkService, checkWorkers, serviceName } from '../launch-arguments.js';
import type { LaunchSettings } from '../launch-settings.js';
import type { Launcher, LauncherOptions } from '../launcher.js';
import type { LauncherStatus } from '../launcher-status.js';
import { HookList } from '../process/hook-list.js';
import { exitProcess, type HostProcess, holdAlive } from '../process/host-process.js';
import { logFailure } from '../process/log-failure.js';
import { programName, setTitle, workerTitle } from '../process/process-title.js';
import { digest } from '../reload/file-changes.js';
import { type Answer, errorText } from '../report/questions.js';
import { ServiceLauncher } from '../service-launcher.js';
import { within } from '../within.js';
import type { ParentLink } from './parent-link.js';
import { WorkerSockets } from './worker-sockets.js';
import { notLaunched } from './worker-start.js';

/** How long a worker may take to tell its parent that it ends. */
const LAST_WORD_MS = 500;

export class WorkerSide implements Launcher {
  readonly inner: ServiceLauncher;
  readonly newWorker: HookList<[service: string, workerId: number, instance: ServiceBase]>;
  readonly #link: ParentLink;
  readonly #log: Logger;
  readonly #host: HostProcess;
  readonly #options: LauncherOptions;
  readonly #launched: LaunchedService[] = [];
  readonly #sockets: WorkerSockets;
  #found = false;
  #cutOff = false;
  /** Lets go of what was built and never started. */
  #letGo: () => Awaitable<void> = () => undefined;
  #explained: Promise<void> = Promise.resolve();

  constructor(link: ParentLink, given: { options: LauncherOptions; log: Logger; host: HostProcess }) {
    this.#link = link;
    this.#log = given.log;
    this.#host = given.host;
    this.#options = given.options;
    this.#sockets = new WorkerSockets(link.sockets, link.assignment.index);
    this.newWorker = new HookList('new worker', given.log);
    const { assignment } = link;
    this.inner = new ServiceLauncher({
      ...given.options,
      log: given.log,
      settings: link.settings,
      worker: {
        id: assignment.index,
        workers: assignment.workers,
        generation: assignment.generation,
        supervised: true,
        requestReplacement: (reason) => void link.send({ kind: 'replace', reason }),
      },
      stopBegins: () => this.#sockets.close(),
      cutOff: () => {
        this.#cutOff = true;
      },
      startFailed: (_, error) => {
        this.#explained = link.explain(error);
      },
    });
  }

  async launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    const workers = checkWorkers(options.workers);
    const name = serviceName(checkService(service));
    this.#launched.push({ name, workers });
    if (name !== this.#link.assignment.service || this.#found) return;
    this.#found = true;
    this.#takeOver();
    if (isListening(service)) this.#listen(service);
    if (this.#link.rehearse) await this.#rehearse(service);
    await this.newWorker.run(name, this.#link.assignment.index, service);
    try {
      await this.inner.launchService(service);
    } catch {
      // It was explained to the parent, and the process ends: the program is not to go on.
      return new Promise(() => undefined);
    }
    if (!this.inner.stopping) this.#link.ready();
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

  status(): LauncherStatus {
    return this.inner.status();
  }

  ask(topic: string, body: unknown): Promise<Answer[]> {
    return this.inner.ask(topic, body);
  }

  stop(): Promise<void> {
    return this.inner.stop();
  }

  restart(): Promise<void> {
    return this.inner.restart();
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

  #takeOver(): void {
    const { inner } = this;
    const link = this.#link;
    inner.takeSignals();
    const { service, index } = link.assignment;
    if (this.#options.signals !== false) {
      setTitle(this.#host, workerTitle(this.#options.prog ?? programName(this.#host), service, index));
    }
    link.releaseSignals();
    link.warn = (text) => this.#log.warn(text, { service, workerId: index });
    link.onGone(() => void this.#orphaned());
    link.onUncaught((error) => void inner.crash(error));
    link.on('drain', ({ reason, timeoutMs }) => {
      const drained = inner.drain({ reason, timeoutMs });
      // By now the service was asked to stop accepting; a turn of the loop later it has.
      setImmediate(() => void link.send({ kind: 'draining' }));
      void drained;
    });
    link.on('mutate', ({ id, configuration, settings }) => {
      void this.#mutate(configuration, settings).then((accepted) => link.send({ kind: 'done', id, accepted }));
    });
    link.on('reopen', () => this.#log.reopen?.());
    link.on('ask', ({ id, topic, body }) => {
      void inner.questions.ask(topic, body).then(
        (answer) => link.send({ kind: 'answer', id, body: answer }),
        (error: unknown) => link.send({ kind: 'answer', id, error: errorText(error) }),
      );
    });
    link.addFacts(() => inner.facts());
    void inner.wait().then(async (status) => {
      await this.#explained;
      await within(LAST_WORD_MS, attempt(this.#letGo));
      await within(LAST_WORD_MS, link.send({ kind: 'ended', status, cutOff: this.#cutOff }));
      exitProcess(this.#host, status);
    });
  }

  async #mutate(configuration: unknown, settings: LaunchSettings): Promise<boolean> {
    try {
      const changes = await this.#options.config?.adopt(configuration as ConfigSnapshot);
      this.#link.settings = settings;
      this.inner.useSettings(settings);
      return await this.inner.reset(changes ?? new Map());
    } catch (error) {
      logFailure(this.#log, 'The new configuration does not fit this worker', error);
      return false;
    }
  }

  async #orphaned(): Promise<void> {
    this.#log.error('Parent process has died unexpectedly, exiting');
    await this.inner.drain({ reason: 'stop', timeoutMs: this.#link.settings.gracefulShutdownTimeoutMs }, STATUS_FAILED);
  }
}

async function attempt(work: () => Awaitable<void>): Promise<void> {
  try {
    await work();
  } catch {
    // The process ends: what could not be let go of goes with it.
  }
}
