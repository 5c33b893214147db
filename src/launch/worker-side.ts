/** A `ProcessLauncher` inside a worker: it starts the one service that the worker was assigned. */
import { closeSync } from 'node:fs';
import type { Config, ConfigSnapshot } from '../config/index.js';
import { inMessages, isGauge, Meter, OWN_GAUGES_TOPIC, type OwnMetric, readOwnMetrics } from '../counts/index.js';
import { errorText } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { reopenLogs } from '../log/internal.js';
import type { Telling } from '../operating/internal.js';
import type { ServiceBase, WorkerContext } from '../service/index.js';
import { isListening } from '../service/internal.js';
import { within } from '../tasks/internal.js';
import { STATUS_FAILED } from './exit-status.js';
import { InProcessRunner } from './in-process/in-process-runner.js';
import { checkService, checkWorkers, type LauncherOptions, serviceName } from './launcher.js';
import { LauncherCore } from './launcher-core.js';
import { HookList } from './process/hook-list.js';
import {
  exitProcess,
  type HostProcess,
  holdAlive,
  programName,
  setTitle,
  workerTitle,
} from './process/host-process.js';
import { builtAndValidated, validateAfter } from './services/validation.js';
import { unlessAborted } from './waiting.js';
import { notLaunched, type ParentLink } from './worker/parent-link.js';
import type { FileRead, ToWorker } from './worker-message.js';

/** Time that a worker has to report its end to its parent. */
const LAST_WORD_MS = 500;

export class WorkerSide {
  readonly core: LauncherCore<InProcessRunner>;
  readonly newWorker: HookList<[service: string, workerId: number, instance: ServiceBase]>;
  readonly #link: ParentLink;
  readonly #log: Logger;
  readonly #host: HostProcess;
  readonly #options: LauncherOptions;
  /** Services that the application has launched, including those of other workers. */
  readonly #launched = new Set<string>();
  /** Services of a child that only builds, and the errors of those that could not be built. */
  readonly #built: ServiceBase[] = [];
  readonly #unbuilt: unknown[] = [];
  /** Counts of the process. */
  readonly #meter = new Meter();
  #explained: Promise<unknown> = Promise.resolve();
  #isReady = false;
  #hasOwnMetrics = false;
  readonly #files: FilesRead;

  constructor(link: ParentLink, options: LauncherOptions) {
    this.#link = link;
    this.#options = options;
    this.#files = new FilesRead(options.config, link);
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
    // Most services stop within a turn of the event loop; a write to the registry may come first.
    const stopsAccepting = (): void => void setImmediate(() => void link.send({ kind: 'draining' }));
    const inner = { ...options, settings: link.settings, worker, startFailed, stopsAccepting };
    this.core = new LauncherCore(inner, (core) => new InProcessRunner(core, inner));
    this.core.runner.questions.answer(OWN_GAUGES_TOPIC, () => this.#tellOwn('all'));
    this.core.stopBegins.signal.addEventListener('abort', () => {
      // An open one would still receive connections.
      for (const { fd } of link.takeSockets()) closeSync(fd);
    });
    this.#log = this.core.log;
    this.#host = this.core.host;
    if (link.logLevel !== undefined) this.core.control.levels.set(link.logLevel);
    this.newWorker = new HookList('new worker', this.#log);
  }

  async launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    const workers = checkWorkers(options.workers);
    const name = serviceName(checkService(service));
    if (this.#launched.has(name)) return;
    this.#launched.add(name);
    if (this.#link.builds) return this.#build(service);
    if (name !== this.#link.assignment.service) return;
    this.#takeOver(service);
    if (isListening(service)) service.useSockets(this.#link.takeSockets());
    await this.newWorker.run(name, this.#link.assignment.index, service);
    await this.#tellBuild(service);
    try {
      await this.core.runner.launchService(service);
    } catch {
      // The parent has the reason, and the process ends: the application must not continue.
      return new Promise(() => undefined);
    }
    // One that has begun to serve tells so even if it stops: its parent must not take it for one without requests.
    if (!this.core.runner.hasServed) return;
    this.#isReady = true;
    this.#files.tell();
    await this.#tellOwn('kept');
    void this.#link.send({ kind: 'ready', rss: process.memoryUsage.rss(), workers });
  }

  /** Ends the process with the service's status; never returns. */
  async wait(): Promise<number> {
    const { service } = this.#link.assignment;
    if (this.#link.builds) await this.#tellBuilt();
    else if (!this.#launched.has(service)) await this.#link.fail(notLaunched(service, [...this.#launched]));
    holdAlive();
    return new Promise<number>(() => undefined);
  }

  /** A first worker builds and validates. In a trial each waits until its parent lets it serve, or releases its build. */
  async #tellBuild(service: ServiceBase): Promise<void> {
    const { validates, holds, mayServe } = this.#link;
    try {
      if (!validates && !holds) return;
      const built = validates
        ? await builtAndValidated([service], this.#options.config)
        : { found: [], letGo: await service.prepare?.() };
      void this.#link.send({ kind: 'built', diagnostics: built.found });
      if (holds) holdAlive();
      if (holds) await unlessAborted(mayServe.promise, this.core.stopBegins.signal);
      if (this.core.stopping) await built.letGo?.();
    } catch (error) {
      await this.#link.fail(error);
    }
  }

  async #build(service: ServiceBase): Promise<void> {
    this.#built.push(service);
    try {
      const letGo = await service.prepare?.();
      await letGo?.();
    } catch (error) {
      this.#unbuilt.push(error);
    }
  }

  /** Reports all errors of the configuration as one failure; of other failures the first. */
  async #tellBuilt(): Promise<void> {
    if (this.#launched.size === 0) return this.#link.fail(notLaunched(this.#link.assignment.service, []));
    try {
      await this.#link.tellBuilt(await validateAfter(this.#built, this.#unbuilt, this.#options.config));
    } catch (error) {
      await this.#link.fail(error);
    }
  }

  #takeOver(service: ServiceBase): void {
    const { core } = this;
    const link = this.#link;
    core.takeSignals();
    const { service: name, index } = link.assignment;
    if (this.#options.signals !== false) {
      setTitle(this.#host, workerTitle(this.#options.prog ?? programName(this.#host), name, index));
    }
    link.attach({
      message: (message) => this.#receive(message),
      gone: () => void this.#orphaned(),
      uncaught: (error) => {
        void link.explain(error);
        void core.crash(error);
      },
      facts: () => core.runner.facts(),
      requests: () => core.runner.requests(),
      beat: () => {
        if (this.#isReady) this.#files.tell();
        void this.#tellCounted(service);
      },
    });
    void core.wait().then(async (status) => {
      await this.#explained;
      // Without gauges: the application is closed, and so is what their functions collect read.
      await within(Promise.all([this.#tellCounted(service), this.#tellOwn('counts')]), LAST_WORD_MS);
      const { cutOff, cutOffRequests } = core.runner;
      const { signalled } = core.process;
      await within(link.send({ kind: 'ended', status, cutOff, cutOffRequests, signalled }), LAST_WORD_MS);
      exitProcess(this.#host, status);
    });
  }

  #receive(message: ToWorker): void {
    const link = this.#link;
    switch (message.kind) {
      case 'drain':
        void this.core.drain({ reason: message.reason, timeoutMs: message.timeoutMs });
        break;
      case 'mutate':
        void this.#mutate(message).then((body) => link.send({ kind: 'answer', id: message.id, body }));
        break;
      case 'reopen':
        reopenLogs(this.#log);
        break;
      case 'ask':
        void this.#answer(message);
        break;
    }
  }

  async #answer({ id, topic, body }: Extract<ToWorker, { kind: 'ask' }>): Promise<void> {
    const kind = 'answer';
    try {
      await this.#link.send({ kind, id, body: await this.core.runner.questions.ask(topic, body) });
    } catch (error) {
      await this.#link.send({ kind, id, error: errorText(error) });
    }
  }

  /** Reports counts of the service, and then of the application, which may compute some. */
  async #tellCounted(service: ServiceBase & Telling): Promise<void> {
    this.#meter.follow('logLinesLost', [], this.#log.lost?.() ?? 0);
    const { buckets, series, failures = [], refusals = [] } = service.meter?.take() ?? { buckets: [], series: [] };
    const all = [...series, ...this.#meter.take().series];
    const hasCounted = all.length + failures.length + refusals.length > 0;
    const sent = hasCounted && this.#link.send({ kind: 'counted', buckets, series: all, failures, refusals });
    await Promise.all([sent, this.#tellOwn('kept')]);
  }

  /** Reports increments of the application's metrics; returns its gauges. */
  async #tellOwn(what: Parameters<typeof readOwnMetrics>[1]): Promise<OwnMetric[]> {
    const read = await readOwnMetrics(this.#options.config, what);
    if (read === undefined) return [];
    const messages = inMessages(read.filter((metric) => !isGauge(metric)));
    // Without a counter, the parent still has to know that there are gauges.
    if (!this.#hasOwnMetrics && messages.length === 0) messages.push([]);
    this.#hasOwnMetrics = true;
    const sent = messages.map((own) => this.#link.send({ kind: 'counted', buckets: [], series: [], own }));
    await Promise.all(sent);
    return read.filter(isGauge);
  }

  /** Everything that runs keeps the configuration that it was built from; services do with the later one what they want. */
  async #mutate({ configuration }: Extract<ToWorker, { kind: 'mutate' }>): Promise<boolean> {
    this.core.control.levels.reset();
    return this.core.runner.reset(this.#options.config?.accepted(configuration as ConfigSnapshot));
  }

  async #orphaned(): Promise<void> {
    this.#link.logOrphaned(this.#log);
    await this.core.drain({ reason: 'stop', timeoutMs: this.#link.settings.gracefulShutdownTimeoutMs }, STATUS_FAILED);
  }
}

// Reports to the parent which files a worker reads through its configuration; never their content.

export class FilesRead {
  readonly #config: Config | undefined;
  readonly #link: ParentLink;
  /** Files that were reported to the parent. */
  readonly #told = new Set<string>();

  constructor(config: Config | undefined, link: ParentLink) {
    this.#config = config;
    this.#link = link;
  }

  /** Reports the files that were read since; called when the options that name files are declared. */
  tell(): void {
    const config = this.#config;
    const own = new Set(config?.ownFilesRead.filter((path) => !this.#told.has(path)));
    if (config === undefined || own.size === 0) return;
    const files = config.namedFiles.filter(({ path }) => own.has(path));
    for (const { path } of files) this.#told.add(path);
    const read = files.map(({ path, option, where }): FileRead => ({ path, option, where }));
    void this.#link.send({ kind: 'read', files: read });
  }
}
