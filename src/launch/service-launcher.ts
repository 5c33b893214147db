/**
 * Runs services in this process.
 */
import type { ServiceBase } from '../service/index.js';
import { InProcessRunner, type ServiceLauncherOptions } from './in-process/in-process-runner.js';
import { checkLauncherOptions, type Launcher } from './launcher.js';
import { LauncherCore } from './launcher-core.js';
import type { LauncherStatus } from './launcher-status.js';
import type { SignalHandler } from './process/signal-handler.js';
import type { Answer, AnswerQuestion } from './report/questions.js';
import type { ReportSection } from './report/report.js';

/**
 * Runs any number of services in this process. They share its signals, and each has the same deadline. A service that
 * dies is not started again: the launcher stops the others and ends with status 1.
 */
export class ServiceLauncher implements Launcher {
  /** The signals of the process, for handlers of the application's own: they run before the launcher's. */
  readonly signalHandler: SignalHandler;
  readonly #core: LauncherCore<InProcessRunner>;

  constructor(options: ServiceLauncherOptions = {}) {
    checkLauncherOptions(options);
    this.#core = new LauncherCore(options, (core) => new InProcessRunner(core, options));
    this.signalHandler = this.#core.signalHandler;
  }

  async launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    const { workers } = options;
    if (workers !== undefined && workers !== null && workers !== 1) {
      const code = 'PORTICO_INVALID_WORKERS';
      throw Object.assign(new RangeError('Launcher asked to start multiple workers'), { code });
    }
    await this.#core.runner.launchService(service);
  }

  wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#core.wait(options);
  }

  stop(): Promise<void> {
    return this.#core.stop();
  }

  restart(): Promise<void> {
    return this.#core.reload();
  }

  /** What is known of the services, without asking them. */
  status(): LauncherStatus {
    return this.#core.status();
  }

  /** Answers a topic of {@link ask}; the function it gives ends that. */
  answer(topic: string, answer: AnswerQuestion): () => void {
    return this.#core.runner.questions.answer(topic, answer);
  }

  /** Asks this process, as a `ProcessLauncher` asks all its workers. */
  ask(topic: string, body?: unknown): Promise<Answer[]> {
    return this.#core.runner.ask(topic, body);
  }

  /** Adds a section to the report that SIGUSR2 writes. One that fails shows its error, and the rest still appears. */
  registerReportSection(title: string, text: ReportSection): void {
    this.#core.diagnosis.reporter.registerReportSection(title, text);
  }

  /** Adds what `collect` gives to the facts of `status()`. */
  addFacts(collect: () => Readonly<Record<string, unknown>>): void {
    this.#core.runner.addFacts(collect);
  }
}
