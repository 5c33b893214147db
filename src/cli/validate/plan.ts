/**
 * Plan of a configuration: what a parent of workers needs to know of the APIs and services that it starts. Imports no application, and validates
 * only what the plan needs; `validate-all.ts` validates the whole.
 */
import type { Config } from '../../config/index.js';
import { type Diagnostic, isError, severalRefusals } from '../../errors/index.js';
import type { PlannedSectionService } from '../../managers/index.js';
import type { PlannedApi } from '../../server/internal.js';
import { type Names, namesIn } from '../../server/internal.js';
import {
  type EnabledApisOptions,
  enabledApis,
  missingDiagnostics,
  nothingEnabled,
} from '../configured/enabled-apis.js';
import { enabledServices } from '../configured/enabled-services.js';

/** Plans of what a configuration starts. */
export interface Planned {
  readonly apis: readonly PlannedApi[];
  /** Services in addition to the APIs. */
  readonly services: readonly PlannedSectionService[];
  /** Reasons why something enabled has no plan, and warnings. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Returns the plans of enabled APIs and services. Creates no service. */
export async function plan(
  config: Config,
  { names = namesIn(config), ...options }: EnabledApisOptions & { readonly names?: Names },
): Promise<Planned> {
  const { running = [] } = options;
  const { services, missing, diagnostics } = await enabledServices(config, names, options, ({ plan }) => plan());
  const apisRunning = running.filter((name) => !names.services.includes(name));
  const ofApis = await enabledApis(config, names, { ...options, running: apisRunning });
  const next = [...ofApis.apis, ...services].map(({ name }) => name);
  const ending = running.filter((name) => !next.includes(name));
  const given = [...ofApis.diagnostics, ...diagnostics, ...missingDiagnostics(missing, ending)];
  const found = next.length > 0 ? given : given.map(refusedPipeline);
  if (next.length === 0 && !found.some(isError)) found.unshift(nothingEnabled(config, names));
  return { apis: ofApis.apis, services, diagnostics: found };
}

/** Nothing else is served: a wrong `pipeline` of an API is the error then, and `enabled_apis`, which names the API, is not. */
function refusedPipeline(found: Diagnostic): Diagnostic {
  const isPipeline = found.code === 'PORTICO_PASTE_NO_SECTION' && found.option === 'pipeline';
  return isPipeline ? { ...found, severity: 'error' } : found;
}

/** Uses the words of the log, which oslo's operators know, for an API without an app: a start warns, and starts the other APIs. */
export function asLogged(found: Diagnostic): Diagnostic {
  if (!lacksApp(found)) return found;
  return { ...found, message: `${found.message}. enabled_apis includes bad values. Fix to remove this warning.` };
}

/** Reports whether this is the warning of an API without an app. */
function lacksApp({ code, severity, section = '' }: Diagnostic): boolean {
  const isApi = section === 'DEFAULT' || section.startsWith('api:');
  return code === 'PORTICO_PASTE_NO_SECTION' && severity === 'warning' && isApi;
}

/** Returns a finding with its severity for `check` and `plan`: an enabled API without an app is an error. */
export function asChecked(diagnostic: Diagnostic): Diagnostic {
  // A start warns, and starts the other APIs.
  return lacksApp(diagnostic) ? { ...diagnostic, severity: 'error' } : diagnostic;
}

/** Throws the errors among these as one refusal. */
export function refuseErrors(found: readonly Diagnostic[]): void {
  const errors = found.filter(isError);
  if (errors.length > 0) throw severalRefusals(errors);
}
