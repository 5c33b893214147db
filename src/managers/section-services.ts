/** Services of sections `[service:<name>]`: managers whose methods others call. The core starts them, and an extension makes them. */
import type { Config } from '../config/index.js';
import { missingExtension } from '../config/internal.js';
import type { Logger } from '../log/index.js';
import type { ManagerOption, PlannedService, ServiceBase } from '../service/index.js';
import { extensionsOf } from '../service/internal.js';
import type { DescribedJob } from './managed-service.js';

/** A section, for the extension that makes its service. */
export interface ServiceSection {
  /** Name for the launcher. */
  readonly name: string;
  /** Name of the application, unique on its host. */
  readonly binary: string;
  /** Option that names the topic of its calls; its default is `name`. */
  readonly topicOption: ManagerOption;
  /** Option that names its manager. */
  readonly managerOption: ManagerOption;
  /** Number of processes that run it. */
  readonly workers: number;
  readonly config: Config;
  readonly log: Logger;
}

/** The service of a section as plain data. */
export interface PlannedSectionService extends PlannedService {
  readonly topic: string;
}

/** One interface of a service: its methods by name, with the schema of their arguments; null: any. */
export interface ServiceInterface {
  readonly namespace: string | null;
  readonly version: string;
  readonly methods: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
}

/** The service of a section, not started. */
export interface SectionService extends ServiceBase {
  readonly name: string;
  readonly topic: string;
  readonly workers: number;
  /** Finds the managers of its next start; the returned function releases them. Rejects with the errors of a start. */
  prepare(next?: Config): Promise<() => void>;
  /** Returns the methods that it offers, and its periodic tasks. Creates managers for that, and runs no hook. */
  described(): Promise<{ readonly interfaces: readonly ServiceInterface[]; readonly jobs: readonly DescribedJob[] }>;
}

/** Makes the service of a section, or its plan. Throws `PORTICO_RPC_NAME` for a name that is no topic, and refusals of options. */
export type MakeService<T> = (section: ServiceSection) => T;

/** Services of sections, provided by an extension: imports of its functions. */
export interface SectionServices {
  /** For a parent of workers: the function creates no manager. */
  readonly plan: () => Promise<MakeService<PlannedSectionService>>;
  readonly make: () => Promise<MakeService<SectionService>>;
}

declare module '../service/extension.js' {
  interface Provides {
    /** Services of sections `[service:<name>]`. */
    readonly services?: SectionServices;
  }
}

/** Returns the services of a configuration. Rejects with `PORTICO_EXTENSION`, at the list, if no extension has them. */
export async function sectionServices(config: Config): Promise<SectionServices> {
  const [first] = await extensionsOf(config, { providing: 'services' });
  return first?.provides?.services ?? missingExtension(config, 'services', 'the services of [service:<name>]');
}
