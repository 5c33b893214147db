/**
 * One reload, from the files to its result: the same for services in workers and services in this process. A runner
 * adds the steps that apply a new configuration.
 */
import type { Config, NextConfig } from '../../config/index.js';
import { refuseOtherLogFile, withoutHint } from '../../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  inOrder,
  isError,
  PorticoError,
  printDiagnostic,
  printDiagnostics,
  Refusals,
  severalRefusals,
  shownPath,
  whole,
} from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ReloadChange } from '../../operating/index.js';
import { followLink } from '../../process/index.js';
import type { Awaitable, Launchable } from '../../service/index.js';
import { within } from '../../tasks/internal.js';
import type { LaunchRequest, OnReload } from '../launcher.js';
import type { LaunchSettings, RestartMethod } from '../launcher-options.js';
import { type ReloadResult, refusedFor } from './reload-report.js';
import {
  diff,
  endedCertificates,
  type FilesRead,
  type PlanChanges,
  type ServicePlans,
  servicePlans,
} from './service-plans.js';

/** Request for a reload, as a runner gets it. */
export interface ReloadRequest {
  readonly method: RestartMethod;
  /**
   * True: ends after the configuration was validated and built; returns the expected result, and applies nothing.
   */
  readonly dryRun: boolean;
  readonly log: Logger;
  /** The present configuration. Undefined if the application has none: then nothing changes. */
  readonly config: Config | undefined;
  /** Returns the settings of a configuration. */
  settings(config: Config | undefined): LaunchSettings;
  /** Must be called before the next configuration is accepted. */
  accepting(): void;
  /** Must be called with the accepted configuration, which is the present one from then on. */
  accepted(config: Config | undefined): void;
  /** Aborted when a stop is requested. */
  readonly stopped: AbortSignal;
  /** Returns true if another reload was requested, so that this one need not retry without end. */
  superseded(): boolean;
}

/** Calls the application for a service that a reload added and that serves. */
export function announceAdded(log: Logger, name: string, request: LaunchRequest): void {
  try {
    request.added?.();
  } catch (error) {
    log.error({ service: name, err: error }, `Service ${name} serves, but a later step failed`);
  }
}

/**
 * Makes the addresses of services that end free: those of the group `[api:<name>]`, or of the group with the service's
 * name.
 */
export function releaseGroups(prepared: NextConfig | undefined, removed: readonly string[]): void {
  if (removed.length > 0)
    prepared?.release((group) => removed.some((name) => group === name || group.endsWith(`:${name}`)));
}

/** A new configuration and its services. */
export interface NextConfiguration {
  /** The configuration, read but not accepted. Undefined if the application has none: then nothing changes. */
  readonly prepared: NextConfig | undefined;
  readonly settings: LaunchSettings;
  /** Undefined: the present services. */
  readonly wanted: readonly LaunchRequest[] | undefined;
}

/** A refused configuration. Its settings are known unless they caused the refusal. */
type RefusedConfiguration = Pick<NextConfiguration, 'prepared'> & { readonly settings: LaunchSettings | undefined };

/** Steps of a reload that its runner provides. */
export interface ReloadSteps {
  /** The running services. */
  readonly services: readonly Launchable[];
  /** Files that each service has read, including files that its plan does not name. */
  readonly filesRead: FilesRead;
  /** False: changes that new workers would apply take effect when the services of this process start again. */
  readonly hasWorkers: boolean;
  /** Returns the services to run; undefined: the present ones. A rejection refuses the reload. */
  readonly onReload: OnReload | undefined;
  /** Rejects with these refusals and with further errors that only the application detects. */
  refuse(refusals: Refusals, next: RefusedConfiguration, request: ReloadRequest): Promise<never>;
  /** Applies a valid configuration, or builds it in a dry run. A rejection refuses the reload. */
  apply(next: NextConfiguration, changes: PlanChanges, request: ReloadRequest): Promise<ReloadResult>;
}

/** Returns the result; never rejects. */
export async function reload(request: ReloadRequest, steps: ReloadSteps): Promise<ReloadResult> {
  try {
    const before = servicePlans(steps.services, request.config, steps.filesRead);
    // A mutate loads no other code. Workers that die meanwhile are replaced in the folder of the present configuration.
    const back = request.method === 'mutate' ? () => undefined : followLink();
    const result = await reloadFrom(before, request, steps).catch(refusedFor);
    if (request.dryRun || result.outcome === 'refused') back();
    return result;
  } catch (error) {
    return refusedFor(error);
  }
}

async function reloadFrom(before: ServicePlans, request: ReloadRequest, steps: ReloadSteps): Promise<ReloadResult> {
  const { method, log } = request;
  const prepared = await request.config?.next({ collect: true });
  const { refusal } = prepared ?? {};
  let compared: (PlanChanges & { readonly after: ServicePlans }) | undefined;
  // Services that end are left out: files that no service will use must not be read.
  const compare = (wanted?: readonly LaunchRequest[]): NonNullable<typeof compared> => {
    const services = wanted?.map(({ service }) => service) ?? steps.services;
    const after = servicePlans(services, prepared?.config, steps.filesRead);
    return { after, ...diff(before, after) };
  };
  // Called at the end: groups that ending services use are released before the configuration is accepted.
  const changes = (files: PlanChanges['files']): ReloadChange[] =>
    [...(prepared?.report({ workers: steps.hasWorkers }) ?? []), ...files].map((change) =>
      method === 'mutate' && change.effect === 'applied' ? { ...change, effect: 'passed to reset()' } : change,
    );
  try {
    const refusals = new Refusals();
    const settings = await refusals.gather(() => request.settings(prepared?.config));
    if (refusal !== undefined) refusals.note(refusal);
    const wanted = refusals.any ? undefined : await refusals.gather(() => wantedServices(steps, prepared, settings!));
    await refusals.gather(() => refuseOtherLogFile(prepared?.changes ?? []));
    const refuse = async (): Promise<void> => {
      if (refusals.any) await steps.refuse(refusals, { prepared, settings }, request);
    };
    // A child builds and plans a refused configuration as well.
    if (steps.hasWorkers) await refuse();
    compared = compare(wanted);
    for (const error of compared.after.failures) {
      // Services may fail because of the refused values, so only their own refusals are reported.
      if (refusal === undefined || error instanceof ConfigurationRefused) refusals.note(error);
    }
    if (method === 'mutate') await refusals.gather(() => refuseOtherServices(compared!, prepared?.changes ?? []));
    const ended = endedCertificates(before, compared.after);
    if (ended.length > 0) refusals.note(severalRefusals(ended));
    await refuse();
    refusals.refuse();
    for (const warning of compared.after.warnings) {
      log.warn({ code: warning.code }, printDiagnostic(warning, { showLine: false }));
    }
    const { found = [], ...result } = await steps.apply({ prepared, settings: settings!, wanted }, compared, request);
    const { added, removed, files, pipelines } = compared;
    const services = result.outcome === 'abandoned' ? {} : { added, removed };
    const warnings = warningTexts(compared.after, prepared?.config, [...found, ...(prepared?.warnings ?? [])]);
    return { ...result, ...services, changes: changes(files), pipelines, warnings };
  } catch (error) {
    const all = error instanceof PorticoError ? error.diagnostics : [];
    const told = all.filter(isError);
    const found = [...all.filter((each) => !isError(each)), ...(prepared?.warnings ?? [])];
    const refused = {
      ...refusedFor(error),
      // The list of a refusal has the warnings too.
      ...(error instanceof ConfigurationRefused && told.length > 0 && { error: printDiagnostics(told) }),
    };
    // Values that the configuration refuses cannot all be read, so the changes are unknown.
    if (refusal !== undefined) return { ...refused, warnings: warningTexts(undefined, prepared?.config, found, told) };
    const { files, after } = compared ?? compare();
    return { ...refused, changes: changes(files), warnings: warningTexts(after, prepared?.config, found, told) };
  }
}

/** Asks the application for the services of a new configuration. Undefined: the present ones. */
async function wantedServices(
  { onReload }: ReloadSteps,
  prepared: NextConfig | undefined,
  { workerStartTimeoutMs }: LaunchSettings,
): Promise<readonly LaunchRequest[] | undefined> {
  const asked = onReload?.(prepared?.config, prepared?.changes ?? []);
  return inStartTime(workerStartTimeoutMs, asked, (limit) => `onReload did not end ${limit}`);
}

/** A mutate keeps the processes, so that it can neither start nor end a service, nor turn its TLS on or off. */
function refuseOtherServices({ added, removed }: PlanChanges, changes: NextConfig['changes']): void {
  const tls = changes.find(({ group, opt }) => group === 'DEFAULT' && opt === 'enabled_ssl_apis');
  if (tls !== undefined) {
    throw new ConfigurationRefused('PORTICO_RELOAD_SERVICES', {
      origin: tls.newLocation.origin,
      message:
        'restart_method = mutate keeps the processes, and does not turn TLS on or off: enabled_ssl_apis has changed',
      hint: 'Restart the application, or write restart_method = reload before its next start.',
    });
  }
  if (added.length + removed.length === 0) return;
  const named = [...added.map((name) => `+${name}`), ...removed.map((name) => `-${name}`)].join(', ');
  throw new ConfigurationRefused('PORTICO_RELOAD_SERVICES', {
    message: `restart_method = mutate keeps the processes, but the enabled services have changed: ${named}`,
    hint: 'Restart the application, or write restart_method = reload before its next start.',
  });
}

/**
 * Returns each warning once, even if its hints differ: APIs share certificates. In the order of `api-cli check`: by file, line and column.
 * `errors`: errors that were reported already. Beside an error of a certificate or its key, nothing is said of when a certificate expires: it
 * might be taken for that of the refused one.
 */
function warningTexts(
  plans: ServicePlans | undefined,
  config: Config | undefined,
  found: readonly Diagnostic[],
  errors: readonly Diagnostic[] = [],
): string[] {
  const isRefused = errors.some(({ code }) => code === 'PORTICO_TLS_CONFIG');
  const expiring = isRefused
    ? []
    : [...(plans?.plans.values() ?? [])].flatMap(({ certificate }) => certificate?.warnings ?? []);
  const all = whole(errors, [...(plans?.warnings ?? []), ...expiring, ...found]).filter((each) => !isError(each));
  const told = new Map(all.map((each) => [withoutHint(each), each]));
  const files = [undefined, ...(config?.configFiles ?? []).map(shownPath)];
  return inOrder([...told.values()], files).map((each) => printDiagnostic(each, { showLine: false }));
}

/**
 * Returns the result of `work`; rejects with `PORTICO_RELOAD_TIMEOUT` if it takes longer than `ms` (0: no limit), with
 * the message from `late`.
 */
export async function inStartTime<T>(ms: number, work: Awaitable<T>, late: (limit: string) => string): Promise<T> {
  return within(Promise.resolve(work), ms || Number.POSITIVE_INFINITY, (): never => {
    throw reloadTimeout(late(`within ${ms / 1000} s`));
  });
}

/** Creates the error of a reload that application code holds up. */
export function reloadTimeout(message: string): PorticoError {
  return new PorticoError('PORTICO_RELOAD_TIMEOUT', {
    message,
    hint: 'If it needs that long, increase worker_start_timeout.',
  });
}
