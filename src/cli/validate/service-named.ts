/** One service, for commands that look at it. */
import type { Config } from '../../config/index.js';
import { commandLogger } from '../../config/internal.js';
import type { SectionService } from '../../managers/index.js';
import { namesIn } from '../../server/internal.js';
import { unknownName } from '../command.js';
import { enabledServices } from '../configured/enabled-services.js';
import { refuseErrors } from './plan.js';

/** Makes the service of a section, whatever else the configuration enables. Rejects with all errors, and for a name without a section. */
export async function serviceNamed(config: Config, name: string): Promise<SectionService> {
  const names = { ...namesIn(config), services: [name] };
  const { services, diagnostics } = await enabledServices(config, names, { log: commandLogger(config) }, ({ make }) =>
    make(),
  );
  refuseErrors(diagnostics);
  const [service] = services;
  if (service !== undefined) return service;
  throw unknownName(`no service is called "${name}"`, name, names.sections.service, 'Services');
}
