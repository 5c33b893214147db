/**
 * The APIs that a configuration enables, as services.
 */
import { type Config, placeOf } from '../config/index.js';
import { PasteAppNotFound } from '../loader/index.js';
import type { Logger } from '../log.js';
import { WSGIService } from '../server/index.js';
import { apiOptions } from './api-options.js';
import { apiNames } from './cross-checks.js';
import { missingAppHint } from './missing-app.js';
import { Problems } from './problems.js';
import { TracedService } from './traced-service.js';

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
  const problems = new Problems();
  const services: WSGIService[] = [];
  const missing: Missing[] = [];
  for (const name of names) {
    const service = await problems.gather(() => api(name));
    if (service !== undefined) services.push(service);
  }
  const ending = (options.running ?? []).filter((name) => !services.some((service) => service.name === name));
  for (const { name, error, hint } of missing) {
    if (ending.length > 0) await problems.gather(() => Promise.reject(refused(name, error, hint)));
    else if (options.quiet !== true) {
      const advice = 'enabled_apis includes bad values. Fix to remove this warning.';
      const place = placeOf(config.getLocation('DEFAULT', 'enabled_apis'));
      const where = place === '' ? '' : `${place}: `;
      options.log.warn(`${where}${error.message} ${advice} ${hint ?? ''}`.trimEnd());
    }
  }
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
      const hint = missingAppHint(config, name, error);
      if (config.resolve('DEFAULT', 'strict_config').value === true) {
        throw new PasteAppNotFound(error.code, { message: error.message, hint, cause: error });
      }
      missing.push({ name, error, hint });
      return undefined;
    }
  }

  function refused(name: string, error: PasteAppNotFound, hint: string | undefined): PasteAppNotFound {
    return new PasteAppNotFound(error.code, {
      message: `the paste file has no app for the API "${name}", and ${ending.join(', ')} would end: nothing was changed`,
      origin: config.getLocation('DEFAULT', 'enabled_apis').origin,
      hint,
      cause: error,
    });
  }
}

/** A name that the paste file has no app for. */
interface Missing {
  readonly name: string;
  readonly error: PasteAppNotFound;
  readonly hint: string | undefined;
}
