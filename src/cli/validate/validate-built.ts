/** Validation of a configuration by a worker, which has built its service: `check`, a start, a dry run and a reload print one list. */
import type { Config } from '../../config/index.js';
import { isUncertain } from '../../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  isError,
  Refusals,
  severalRefusals,
  whole,
} from '../../errors/index.js';
import { loadAnnounced } from '../../modules/index.js';
import { checkedCopy } from './checked-copy.js';

/**
 * Checks a configuration after the build of the service of that name, or without a name of all services; `failures`: the errors of the
 * builds. Returns warnings; rejects with all errors. Other processes build the other services, and report unknown options of their sections.
 * They are built here too if another name has no owner: one of them may read it without a declaration.
 */
export async function validateBuilt(
  name: string | undefined,
  config: Config,
  failures: readonly unknown[] = [],
): Promise<readonly Diagnostic[]> {
  const refusals = new Refusals();
  if (!failures.every((failure) => failure instanceof ConfigurationRefused)) return [];
  for (const failure of failures) refusals.note(failure);
  await config.loadOwners();
  const checked = checkedCopy(config);
  const { apis, services } = checked.names;
  const others = name === undefined ? [] : apis.filter((each) => each !== name).map((each) => `api:${each}`);
  // The others tell unknown options of their sections.
  const ownErrors: typeof checked.issues = (found) =>
    checked.issues(found).filter((each) => !isUncertain(each) || !others.includes(each.section ?? ''));
  const isFine = async (): Promise<boolean> =>
    !refusals.any && ownErrors([await checked.ofPasteFile(false)]).length === 0;
  // Most configurations: what was built has declared each written name, and nothing is wrong.
  if (await isFine()) return [];
  const announced = await loadAnnounced(config.configFiles);
  if (announced.length === 0 && (await isFine())) return [];
  const own = ownErrors([announced, await checked.ofPasteFile(true), refusals.diagnostics]);
  const isOpen = own.some((each) => isUncertain(each) && each.section !== `api:${name}`);
  if (apis.length + services.length < 2 || !isOpen) return refuseWithAll(own, refusals);
  const { validateAll } = await import('./validate-all.js');
  return refuseWithAll(await validateAll(config, { refusals }), refusals);
}

/** Returns warnings; throws all errors, if there are any. */
export function refuseWithAll(all: readonly Diagnostic[], refusals: Refusals): readonly Diagnostic[] {
  const found = all.map(asLogged);
  const errors = found.filter(isError);
  // The build has logged what its routers warn of.
  if (errors.length === 0) return found.filter(({ code }) => !code.startsWith('PORTICO_ROUTE_'));
  // Only code that the configuration names has failed.
  const failed = refusals.diagnostics;
  const blames = refusals.refusal?.blamesConfiguration !== false || whole(failed, errors).length > failed.length;
  throw severalRefusals(found, { blames });
}

/** Reports whether this is the warning of an API without an app. */
export function lacksApp({ code, severity, section = '' }: Diagnostic): boolean {
  const isApi = section === 'DEFAULT' || section.startsWith('api:');
  return code === 'PORTICO_PASTE_NO_SECTION' && severity === 'warning' && isApi;
}

/** Uses the words of the log, which oslo's operators know, for an API without an app. */
export function asLogged(diagnostic: Diagnostic): Diagnostic {
  if (!lacksApp(diagnostic)) return diagnostic;
  const message = `${diagnostic.message}. enabled_apis includes bad values. Fix to remove this warning.`;
  return { ...diagnostic, message };
}
