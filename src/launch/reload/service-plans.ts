/**
 * What services are to run by one configuration, put together from their plans.
 */
import type { Config } from '../../config/index.js';
import { type Diagnostic, ignoreErrors, placeOf, severalRefusals } from '../../errors/index.js';
import type { PlannedApp, ServiceBase, ServiceFile, ServicePlan } from '../../service/index.js';
import { serviceName } from '../launcher.js';
import { digest } from './file-changes.js';

/** The plans of several services. */
export interface ServicePlans {
  /** The names of the services. */
  readonly services: ReadonlySet<string>;
  readonly pipelines: ReadonlyMap<string, readonly string[]>;
  /** By service, where its plan tells it. */
  readonly apps: ReadonlyMap<string, PlannedApp>;
  /** By the option that names them and their path. */
  readonly files: ReadonlyMap<string, PlannedFile>;
  /** Why services refuse the configuration. */
  readonly failures: readonly unknown[];
  readonly warnings: readonly Diagnostic[];
}

/** A file that services read, as the configuration knows it. */
export interface PlannedFile {
  readonly digest: string;
  /** Where the configuration names it. */
  readonly where: string;
  /** What each service says of it, by name. */
  readonly services: ReadonlyMap<string, ServiceFile>;
}

/** Asks all of them for their plans. Without a configuration there is nothing to plan. */
export function servicePlans(services: readonly ServiceBase[], config: Config | undefined): ServicePlans {
  const failures: unknown[] = [];
  const plans = new Map<string, ServicePlan>();
  for (const service of config === undefined ? [] : services) {
    try {
      const plan = service.plan?.(config!) ?? {};
      plans.set(serviceName(service), plan);
      const errors = (plan.diagnostics ?? []).filter(({ severity }) => severity === 'error');
      if (errors.length > 0) failures.push(severalRefusals(errors));
    } catch (error) {
      failures.push(error);
    }
  }
  const all = [...plans.values()];
  return {
    services: new Set(services.map(serviceName)),
    pipelines: new Map(all.flatMap(({ pipelines = new Map() }) => [...pipelines])),
    apps: new Map([...plans].flatMap(([name, { app }]) => (app === undefined ? [] : [[name, app] as const]))),
    files: config === undefined ? new Map() : plannedFiles(plans, config),
    failures,
    warnings: all.flatMap(({ diagnostics = [] }) => diagnostics.filter(({ severity }) => severity === 'warning')),
  };
}

/** Of a file that cannot be read, nothing: the service that needs it says why. */
function plannedFiles(plans: ReadonlyMap<string, ServicePlan>, config: Config): ServicePlans['files'] {
  const all = new Map<string, PlannedFile & { readonly services: Map<string, ServiceFile> }>();
  for (const [name, { files = [] }] of plans) {
    for (const file of files) {
      const key = `${file.option} ${file.path}`;
      const known = all.get(key) ?? ignoreErrors(() => ({ ...stateOf(file, config), services: new Map() }));
      if (known === undefined) continue;
      known.services.set(name, file);
      all.set(key, known);
    }
  }
  return all;
}

function stateOf({ path, option }: ServiceFile, config: Config): Pick<PlannedFile, 'digest' | 'where'> {
  const dot = option.lastIndexOf('.');
  const location = config.getLocation(option.slice(0, dot), option.slice(dot + 1));
  return { digest: digest(config.readFile(path)), where: placeOf(location) || 'default' };
}
