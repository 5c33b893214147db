/**
 * The state of a project as `plan` compares it, from a build of its configuration in this process: the plans of its APIs, the trees of the
 * paste file, the Routers of its apps, the contracts of its services. Creates no filter, and starts nothing.
 */
import type { Config } from '../../config/index.js';
import { asTrial, maskValue } from '../../config/internal.js';
import { silentLogger } from '../../log/internal.js';
import type { SectionService } from '../../managers/index.js';
import type { OptionState, ServiceState, State } from '../../plan/index.js';
import type { WSGIService } from '../../server/index.js';
import { namesIn } from '../../server/internal.js';
import { enabledServices } from '../configured/enabled-services.js';
import { plan, refuseErrors } from '../validate/plan.js';
import { apiState } from './api-state.js';
import { jobState, placeOf, plainData, shownValue, sourceOf } from './plain-data.js';

/** A service that this process runs: an API, or one with remote calls. */
export type RunningService = Pick<WSGIService, 'name' | 'config' | 'periodicTasks' | 'made'> &
  Partial<Pick<SectionService, 'described'>>;

/** Options of {@link builtState}. */
export interface BuildOptions {
  /** The only service of the state, which this process runs: its managers are asked and its routers described, and none are created. */
  readonly running?: RunningService;
  /** Names of the APIs and services. Default: those that the configuration enables. */
  readonly apis?: readonly string[];
  readonly services?: readonly string[];
}

/** Returns the state. `key`: of the digests by which changed secrets are found. Throws a refusal with all errors of a configuration. */
export async function builtState(config: Config, key: string, { running, ...only }: BuildOptions = {}): Promise<State> {
  const names = { ...namesIn(config), ...only };
  // Certificates are on the machines that serve, and not where a change is reviewed.
  const { apis, diagnostics } = await plan(config, { log: silentLogger(), names: { ...names, sslApis: [] } });
  refuseErrors(diagnostics);
  const built = [];
  for (const api of apis)
    built.push(
      await asTrial(() => apiState({ ...api, usesTls: names.sslApis.includes(api.name) }, config, { key, running })),
    );
  const enabled = await enabledServices(config, names, { log: silentLogger() }, ({ make }) => make());
  const services: ServiceState[] = [];
  for (const made of enabled.services) {
    const { name, topic, workers } = made;
    const described = await asTrial(() => running?.described?.() ?? made.described());
    const interfaces = described.interfaces.map(({ namespace, version, methods }) => ({ namespace, version, methods }));
    const place = placeOf(config.getSectionLocation(`service:${name}`));
    services.push({
      name,
      place,
      topic,
      workers,
      interfaces: plainData(interfaces),
      jobs: described.jobs.map(jobState),
    });
  }
  return { schema: 'portico/state', version: 1, apis: built, services, options: options(config, key) };
}

function options(config: Config, key: string): OptionState[] {
  return config.resolveAll().map(({ group, opt, option, value, location }) => {
    const whole = value === undefined ? 'none' : option.format(value);
    return {
      group,
      opt,
      ...shownValue(maskValue(opt, option, value), whole, key),
      ...sourceOf(location),
      restart: option.restart,
    };
  });
}
