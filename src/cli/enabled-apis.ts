/**
 * The APIs that a configuration enables, as services.
 */
import type { Config } from '../config/index.js';
import { ConfigurationRefused, type Diagnostic, printDiagnostic, Refusals } from '../errors/index.js';
import { PasteAppNotFound } from '../loader/index.js';
import type { Logger } from '../log/index.js';
import { WSGIService } from '../server/index.js';
import { apiNames } from './api-names.js';
import { apiOptions } from './api-options.js';
import { missingAppIssue } from './missing-app.js';
import { refuseGivenUp } from './missing-port.js';

/** How {@link enabledApis} makes services. */
export interface EnabledApisOptions {
  readonly log: Logger;
  /** Readable, one worker, certificates made where none are named. */
  readonly dev?: boolean;
  /** Show the stack of what application code threw while an API was built. */
  readonly traceErrors?: boolean;
  /** Say nothing of names that are wrong: another process does. */
  readonly quiet?: boolean;
  /** The APIs that run already, at a reload. */
  readonly running?: readonly string[];
}

/**
 * One `WSGIService` for each name in `enabled_apis`, in that order; by default for every `[api:<name>]`. A name that the
 * paste file does not have is a warning with the nearest one, and refused under `strict_config`; at a reload also where an
 * API that runs would end, for that is most likely the one that was meant. Throws one `ConfigurationRefused` with
 * everything that is wrong with any of them.
 */
export async function enabledApis(config: Config, options: EnabledApisOptions): Promise<WSGIService[]> {
  const { enabledSslApis: ssl } = config.group('DEFAULT', apiOptions, { partial: true });
  const names = apiNames(config);
  const problems = new Refusals();
  const services: WSGIService[] = [];
  const missing: Diagnostic[] = [];
  for (const name of names) {
    const service = await problems.gather(() => api(name));
    if (service !== undefined) services.push(service);
  }
  const ending = (options.running ?? []).filter((name) => !services.some((service) => service.name === name));
  for (const issue of missing) {
    if (ending.length > 0) await problems.gather(() => Promise.reject(wouldEnd(issue)));
    else if (options.quiet !== true) {
      const advice = 'enabled_apis includes bad values. Fix to remove this warning.';
      options.log.warn(printDiagnostic({ ...issue, message: `${issue.message}. ${advice}` }));
    }
  }
  const { running = [] } = options;
  await problems.gather(() => refuseGivenUp(config, { running, next: services.map(({ name }) => name) }));
  problems.refuse();
  return services;

  function api(name: string): WSGIService | undefined {
    try {
      const Service = options.traceErrors === true ? TracedService : WSGIService;
      return new Service(name, config, {
        log: options.log,
        useSsl: ssl.includes(name),
        dev: options.dev === true,
      });
    } catch (error) {
      if (!(error instanceof PasteAppNotFound)) throw error;
      const issue = missingAppIssue(config, name, error);
      if (config.resolve('DEFAULT', 'strict_config').value === true) throw refused(issue);
      missing.push(issue);
      return undefined;
    }
  }

  function wouldEnd(issue: Diagnostic): ConfigurationRefused {
    return refused({ ...issue, message: `${issue.message}, and ${ending.join(', ')} would end: nothing was changed` });
  }
}

function refused(issue: Diagnostic): ConfigurationRefused {
  return new ConfigurationRefused(issue.code, { diagnostics: [{ ...issue, severity: 'error' }] });
}

/** A `WSGIService` that writes the stack of a failed start's cause to standard error, in the process where it happened. */
export class TracedService extends WSGIService {
  override async start(): Promise<void> {
    try {
      await super.start();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      if (cause instanceof Error) process.stderr.write(`${cause.stack ?? cause.message}\n`);
      throw error;
    }
  }
}
