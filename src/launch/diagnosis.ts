/**
 * Views into a running process: the report, on a signal or a file's modification, and the backdoor.
 */
import { boolean, type Config, defineOptions } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { ServiceBase } from '../service/index.js';
import { type Backdoor, initializeIfEnabled } from './backdoor/backdoor.js';
import { currentProcess } from './process/host-process.js';
import { GuruMeditation } from './report/report.js';
import { activityOf, requestsOf } from './report/report-subjects.js';

/** `[DEFAULT]`: whether a supervisor has a backdoor too. */
export const supervisorOptions = defineOptions({
  backdoor_supervisor: boolean({
    default: false,
    restart: true,
    help: 'Open the backdoor in the parent process as well, not only in each worker.',
  }),
});

/** Parts of a {@link Diagnosis}. */
interface DiagnosisOptions {
  /** Name for reports: the service, or the program. */
  readonly name: () => string;
  readonly services: () => readonly ServiceBase[];
  /** In a supervisor: its workers, a line each. */
  readonly workers?: (() => readonly string[]) | undefined;
  readonly config: Config | undefined;
  readonly log: Logger;
}

/** Made with a launcher; does nothing before it is opened or asked. */
export class Diagnosis {
  /** For sections of an application's own. */
  readonly reporter: GuruMeditation;
  readonly #options: DiagnosisOptions;
  #opening: Promise<void> | undefined;
  #backdoor: Backdoor | null = null;
  #reporting = false;

  constructor(options: DiagnosisOptions) {
    const { name, services, workers, config } = options;
    const program = currentProcess().argv[1];
    this.#options = options;
    this.reporter = new GuruMeditation({ service: name, services, config, program, workers });
  }

  /** Address of the backdoor: a port, a path, or null. */
  get backdoorPort(): number | string | null {
    return this.#backdoor?.where ?? null;
  }

  /** Does the same as SIGUSR2: nothing where a file triggers reports instead, or while a report is being made. */
  report(): void {
    if (this.#reporting || this.reporter.triggeredByFile) return;
    this.#reporting = true;
    void this.reporter.write().finally(() => {
      this.#reporting = false;
    });
  }

  /** Opens the backdoor, and looks at the file that triggers reports, where the configuration says so. Done once. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** As {@link open}, in a supervisor: its backdoor is asked for by itself, and what fails there is only logged. */
  async openInSupervisor(): Promise<void> {
    const { config, log } = this.#options;
    try {
      if (config?.group('DEFAULT', supervisorOptions).backdoorSupervisor === true) await this.open();
      else this.reporter.start();
    } catch (error) {
      log.error('the supervisor has no backdoor', { err: error });
    }
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.reporter.stop();
    await this.#backdoor?.close();
    this.#backdoor = null;
    this.#opening = undefined;
  }

  async #open(): Promise<void> {
    const { config, log, services } = this.#options;
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
