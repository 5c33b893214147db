/**
 * Services that a configuration enables in addition to the APIs: managers whose methods others call.
 */
import type { Config } from '../../config/index.js';
import { diagnose } from '../../config/internal.js';
import { type Diagnostic, nearestOrAll, PorticoError, Refusals } from '../../errors/index.js';
import { type MakeService, namedManager, type SectionServices, sectionServices } from '../../managers/index.js';
import { type Names, serviceOptions } from '../../server/internal.js';
import { isOneProcess } from '../../service/internal.js';
import type { EnabledApisOptions } from './enabled-apis.js';

/**
 * Returns one service for each name in `enabled_services`, in that order: what `make` or `plan` of their extension makes; `missing`: the
 * names without a section. The extension is imported if there are any names.
 */
export async function enabledServices<T extends { readonly name: string; readonly topic: string }>(
  config: Config,
  names: Names,
  { log, dev = false }: Pick<EnabledApisOptions, 'log' | 'dev'>,
  made: (services: SectionServices) => Promise<MakeService<T>>,
) {
  const services: T[] = [];
  const missing: Diagnostic[] = [];
  const wrong: Diagnostic[] = [];
  if (names.services.length === 0) return { services, missing, diagnostics: wrong };
  const refusals = new Refusals();
  const make = await refusals.gather(async () => made(await sectionServices(config)));
  if (make === undefined) return { services, missing, diagnostics: refusals.diagnostics };
  const add = (name: string): void => {
    const group = `service:${name}`;
    config.register(group, serviceOptions);
    const managerOption = { group, opt: 'manager' };
    if (namedManager(config, managerOption) === undefined) {
      if (config.getSectionLocation(group) === undefined) missing.push(missingService(config, name, names));
      else wrong.push(withoutManager(config, group));
      return;
    }
    if (names.apis.includes(name)) wrong.push(sharedName(config, name));
    const { topic, workers } = config.group(group, serviceOptions);
    const [binary, count] = [`portico-${name}`, dev || isOneProcess(config) ? 1 : workers];
    const twin = services.find((service) => service.topic === (topic || name));
    if (twin !== undefined) wrong.push(sharedTopic(config, name, twin));
    try {
      services.push(
        make({ name, binary, topicOption: { group, opt: 'topic' }, workers: count, managerOption, config, log }),
      );
    } catch (error) {
      if (!(error instanceof PorticoError) || error.code !== 'PORTICO_RPC_NAME') throw error;
      const { code, message, hint } = error;
      wrong.push(diagnose(config, { code, group, ...(topic ? { opt: 'topic' } : {}), message, hint }));
    }
  };
  for (const name of names.services) await refusals.gather(() => add(name));
  return { services, missing, diagnostics: [...refusals.diagnostics, ...wrong] };
}

function withoutManager(config: Config, group: string): Diagnostic {
  const hint = 'Write manager = ./file.js:Manager, or module:export of a package.';
  return diagnose(config, { code: 'PORTICO_MANAGER', group, message: 'this service has no manager', hint });
}

/** A launcher knows services by their names, a registry by binaries derived from them. */
function sharedName(config: Config, name: string): Diagnostic {
  const message = `an API has the same name, in [api:${name}] or enabled_apis`;
  const hint = `Rename the service, and write topic = ${name} if callers use that name.`;
  return diagnose(config, { code: 'PORTICO_SERVICE_NAME', group: `service:${name}`, message, hint });
}

/** Each would get calls for the other one. */
function sharedTopic(config: Config, name: string, { name: twin, topic }: { name: string; topic: string }): Diagnostic {
  const message = `[service:${twin}] also receives calls for the topic ${topic}`;
  const hint = `Choose another topic. For more processes of one service, set workers in [service:${twin}].`;
  return diagnose(config, { code: 'PORTICO_SERVICE_NAME', group: `service:${name}`, opt: 'topic', message, hint });
}

/** Returns a warning that a name of `enabled_services` has no section, with the nearest one that has. */
function missingService(config: Config, name: string, { sections }: Names): Diagnostic {
  const others = sections.service.filter((each) => each !== name);
  const isApi = sections.api.includes(name);
  return diagnose(config, {
    severity: 'warning',
    code: 'PORTICO_SERVICE_NOT_FOUND',
    group: 'DEFAULT',
    opt: 'enabled_services',
    item: name,
    message: `no section is called [service:${name}], so this service does not start`,
    hint: isApi ? `${name} is an API: add it to enabled_apis.` : nearestOrAll(name, others, 'Services with sections'),
  });
}
