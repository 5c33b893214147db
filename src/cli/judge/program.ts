/**
 * A program that embeds its services, as the judge sees it: the services that it has built so far.
 */
import { resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { ignoreErrors } from '../../errors/index.js';
import type { PlannedApi } from '../../server/internal.js';
import type { ServiceBase } from '../../service/index.js';
import { configuredPasteFile } from '../configured/configuration.js';

/** Services that a program has built. */
export interface BuiltProgram {
  /** APIs from the configured paste file. */
  readonly apis: readonly Pick<PlannedApi, 'name' | 'pipeline'>[];
  /** True if code that runs later may declare further options: that of a manager, or of another kind of service. */
  readonly declaresLater: boolean;
  /** True if it has APIs from the configured paste file. */
  readonly isConfigured: boolean;
  /** True if the program makes its log itself, and reads none of the options of the log. */
  readonly logsItself: boolean;
}

/** The parts of an API that tell where its app comes from. */
type BuiltApi = ServiceBase & PlannedApi & { readonly managers: readonly unknown[] };

/** Returns the program of these services. */
export function builtProgram(config: Config, services: readonly ServiceBase[]): BuiltProgram {
  const file = ignoreErrors(() => resolve(configuredPasteFile(config)));
  const apis = services.filter((service): service is BuiltApi => 'pipeline' in service && 'managers' in service);
  const pasted = apis.filter(({ pasteFile }) => pasteFile !== undefined && resolve(pasteFile) === file);
  return {
    apis: pasted,
    declaresLater: apis.length < services.length || apis.some(({ managers }) => managers.length > 0),
    isConfigured: pasted.length > 0,
    logsItself: !config.has('DEFAULT', 'log_file'),
  };
}
