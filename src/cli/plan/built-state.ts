/**
 * The state of a project as `plan` compares it, from a build of its configuration in this process: the plans of its APIs, the trees of the
 * paste file, the Routers of its apps, the contracts of its services. Creates no filter, and starts nothing.
 */
import { createHmac } from 'node:crypto';
import type { Config } from '../../config/index.js';
import { asTrial, isSecret, maskValue } from '../../config/internal.js';
import { silentLogger } from '../../log/internal.js';
import type { OptionState, ServiceState, State } from '../../plan/index.js';
import { namesIn } from '../../server/internal.js';
import { enabledServices, makingServices } from '../configured/enabled-services.js';
import { plan, refuseErrors } from '../validate/plan.js';
import { apiState } from './api-state.js';
import { jobState, placeOf, plainData } from './plain-data.js';

/** Returns the state. `key`: of the digests by which changed secrets are found. Throws a refusal with all errors of a configuration. */
export async function builtState(config: Config, key: string): Promise<State> {
  const names = namesIn(config);
  // Certificates are on the machines that serve, and not where a change is reviewed.
  const { apis, diagnostics } = await plan(config, { log: silentLogger(), names: { ...names, sslApis: [] } });
  refuseErrors(diagnostics);
  const built = [];
  for (const api of apis)
    built.push(await asTrial(() => apiState({ ...api, usesTls: names.sslApis.includes(api.name) }, config)));
  const made = await enabledServices(config, names, { log: silentLogger() }, makingServices);
  const services: ServiceState[] = [];
  for (const service of made.services) {
    const { name, topic, workers } = service;
    const described = await asTrial(() => service.described());
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
    const digest = isSecret(opt, option) ? digestOf(value, key) : null;
    return {
      group,
      opt,
      value: maskValue(opt, option, value),
      digest,
      place: placeOf(location),
      restart: option.restart,
    };
  });
}

function digestOf(value: unknown, key: string): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(value) ?? '')
    .digest('base64');
}
