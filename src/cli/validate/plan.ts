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
  missingPaste,
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

/** Options of {@link plan}. */
interface PlanOptions extends EnabledApisOptions {
  readonly names?: Names;
  /** True for an application that may start other services than the enabled ones: that nothing is enabled is no error. */
  readonly embeds?: boolean;
}

/** Returns the plans of enabled APIs and services. Creates no service. */
export async function plan(
  config: Config,
  { names = namesIn(config), embeds = false, ...options }: PlanOptions,
): Promise<Planned> {
  const { running = [] } = options;
  const { services, missing, diagnostics } = await enabledServices(config, names, options, ({ plan }) => plan());
  const apisRunning = running.filter((name) => !names.services.includes(name));
  const ofApis = await enabledApis(config, names, { ...options, running: apisRunning });
  const next = [...ofApis.apis, ...services].map(({ name }) => name);
  const ending = running.filter((name) => !next.includes(name));
  const given = [...ofApis.diagnostics, ...diagnostics, ...missingDiagnostics(missing, ending)];
  const planned = { apis: ofApis.apis, services };
  if (next.length > 0) return { ...planned, diagnostics: given };
  const found = given.map(refusedPipeline);
  return { ...planned, diagnostics: embeds || found.some(isError) ? found : nothingStarts(config, names, found) };
}

/** Returns the reason why nothing starts: at each enabled name the error that it is unknown; or that none is enabled, after a missing paste file. */
function nothingStarts(config: Config, names: Names, found: readonly Diagnostic[]): readonly Diagnostic[] {
  const nothing = nothingEnabled(config, names);
  const isUnknown = (each: Diagnostic): boolean => lacksApp(each) || each.code === 'PORTICO_SERVICE_NOT_FOUND';
  const last = found.findLast(isUnknown);
  if (last === undefined) {
    const missing = missingPaste(config);
    const location = missing[0]?.location;
    // Without a line it would come before its cause.
    const isEffect = location?.origin !== undefined && nothing.location?.origin === undefined;
    const effect = isEffect ? { ...nothing, location, section: undefined, option: undefined } : nothing;
    return [...missing, effect, ...found];
  }
  return found.map((each): Diagnostic => {
    if (!isUnknown(each)) return each;
    const refused: Diagnostic = { ...each, code: nothing.code, severity: 'error' };
    return each === last ? endingWith(refused, nothing.message) : refused;
  });
}

function endingWith(found: Diagnostic, words: string): Diagnostic {
  return { ...found, hint: found.hint === undefined ? words : `${found.hint} ${words}` };
}

/** Nothing else is served: a wrong `pipeline` of an API is the error then, and `enabled_apis`, which names the API, is not. */
function refusedPipeline(found: Diagnostic): Diagnostic {
  const isPipeline = found.code === 'PORTICO_PASTE_NO_SECTION' && found.option === 'pipeline';
  return isPipeline ? { ...found, severity: 'error' } : found;
}

/** Adds the words that oslo's operators search for to the warning of an API without an app: a start warns, and starts the other APIs. */
export function asLogged(found: Diagnostic): Diagnostic {
  return lacksApp(found) ? endingWith(found, 'enabled_apis includes bad values. Fix to remove this warning.') : found;
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
