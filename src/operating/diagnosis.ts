/**
 * Insight into a running process: the report, triggered by a signal or a file's modification, and the backdoor.
 */
import type { Config } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { ServiceBase } from '../service/index.js';
import type { Backdoor } from './backdoor/backdoor.js';
import { initializeIfEnabled } from './backdoor/backdoor-options.js';
import { GuruMeditation } from './report/report.js';
import { activityOf, requestsOf } from './report/report-subjects.js';

/** Options of a {@link Diagnosis}. */
interface DiagnosisOptions {
  /** Name for reports: the service, or the application. */
  readonly name: () => string;
  readonly services: () => readonly ServiceBase[];
  /** In a supervisor: its workers, one line each. */
  readonly workers?: (() => readonly string[]) | undefined;
  /** Returns the present configuration. */
  readonly config: () => Config | undefined;
  readonly log: Logger;
}

/** Report and backdoor of one process. Does nothing before it is opened or a report is requested. */
export class Diagnosis {
  /** Accepts report sections of the application. */
  readonly reporter: GuruMeditation;
  readonly #options: DiagnosisOptions;
  #opening: Promise<void> | undefined;
  #backdoor: Backdoor | null = null;
  #reporting = false;

  constructor(options: DiagnosisOptions) {
    const { name, services, workers } = options;
    const [, program] = process.argv;
    this.#options = options;
    this.reporter = new GuruMeditation({
      service: name,
      services,
      get config() {
        return options.config();
      },
      program,
      workers,
    });
  }

  /** Address of the backdoor: a port, a path, or null. */
  get backdoorPort(): number | string | null {
    return this.#backdoor?.where ?? null;
  }

  /** Writes a report as SIGUSR2 does. Does nothing if a file triggers reports, or while a report is being written. */
  report(): void {
    if (this.#reporting || this.reporter.triggeredByFile) return;
    this.#reporting = true;
    void this.reporter.write().finally(() => {
      this.#reporting = false;
    });
  }

  /** Opens the backdoor and watches the file that triggers reports, if the configuration enables them. Done once. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Watches the file that triggers reports, in a supervisor, which has no backdoor: it runs no code of an application. */
  watchInSupervisor(): void {
    this.reporter.start();
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.reporter.stop();
    await this.#backdoor?.close();
    this.#backdoor = null;
    this.#opening = undefined;
  }

  async #open(): Promise<void> {
    const { log, services } = this.#options;
    const config = this.#options.config();
    if (config === undefined) return;
    this.reporter.start();
    this.#backdoor = await initializeIfEnabled(config, {
      log,
      names: { services: (): readonly ServiceBase[] => services() },
      activity: () => activityOf(services()),
      requests: () => requestsOf(services()),
    });
  }
}
