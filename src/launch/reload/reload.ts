/**
 * One reload, from the files to what is told of it: the same for services in workers and for services in this process. What
 * differs is how a new configuration is applied.
 */
import type { Config, PreparedReload } from '../../config/index.js';
import { refuseOtherLogFile, withoutHint } from '../../config/internal.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  PorticoError,
  printDiagnostic,
  Refusals,
  severalRefusals,
} from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { followLink } from '../../process/index.js';
import type { Awaitable, Launchable } from '../../service/index.js';
import { within } from '../../tasks/internal.js';
import type { LaunchSettings, RestartMethod } from '../launcher-options.js';
import { type ReloadResult, refusedFor } from './reload-report.js';
import {
  diff,
  endedCertificates,
  type FilesRead,
  type PlanChanges,
  type ReloadChange,
  type ServicePlans,
  servicePlans,
} from './service-plans.js';

/** A reload, as a runner gets it. */
export interface ReloadRequest {
  readonly method: RestartMethod;
  /** Ends once all is judged and built: it gives what would come of the reload, and nothing is put in force. */
  readonly dryRun: boolean;
  readonly log: Logger;
  /** The settings of a configuration. */
  settings(config: Config | undefined): LaunchSettings;
  /** To be called when the new configuration is in force. */
  accepted(): void;
  /** Raised when a stop was asked for. */
  readonly stopped: AbortSignal;
  /** True when another reload was asked for: this one need not try for ever. */
  superseded(): boolean;
}

/**
 * A service that a program wants, as its plan or as the object that runs, and with how many workers. Of one that runs already only
 * plan and number of workers are taken; the object it was launched with stays.
 */
export interface LaunchRequest {
  readonly service: Launchable;
  readonly workers: number;
  /** Called when a service that a reload added serves, and the reload was accepted. */
  readonly added?: () => void;
}

/** A new configuration, and which services there are to be. */
export interface NextConfiguration {
  /** Read, and not yet in force. Undefined where the program has none: then nothing changes. */
  readonly prepared: PreparedReload | undefined;
  readonly settings: LaunchSettings;
  /** Undefined: those there are. */
  readonly wanted: readonly LaunchRequest[] | undefined;
}

/** One that is refused. Its settings, and the services there were to be, are known unless they are why. */
export type RefusedConfiguration = Pick<NextConfiguration, 'prepared'> & {
  readonly [K in 'settings' | 'wanted']: NextConfiguration[K] | undefined;
};

/** A runner's own steps of a reload. */
interface ReloadSteps {
  readonly config: Config | undefined;
  /** Those that run. */
  readonly services: readonly Launchable[];
  /** By service, the files that it has read, whether its plan names them or not. */
  readonly filesRead: FilesRead;
  /** False: what new workers would apply takes effect when the services of this process start again. */
  readonly hasWorkers: boolean;
  /** True for an option that a reload does not change in this process, where there are no workers. */
  keeps?(option: string): boolean;
  /** Says which services there are to be; undefined: those there are. A rejection refuses the reload. */
  wanted?(
    prepared: PreparedReload | undefined,
    settings: LaunchSettings,
  ): Awaitable<readonly LaunchRequest[] | undefined>;
  /** Rejects with these refusals, and with what only the application knows to be wrong beside them. */
  readonly refuse?: ((refusals: Refusals, next: RefusedConfiguration) => Promise<never>) | undefined;
  /** Puts in force what is right as it is written; in a dry run builds it. A rejection refuses the reload. */
  takeUp(next: NextConfiguration, changes: PlanChanges): Promise<ReloadResult>;
}

/** Gives what came of it; never rejects. */
export async function reload(request: ReloadRequest, steps: ReloadSteps): Promise<ReloadResult> {
  try {
    const before = servicePlans(steps.services, steps.config, steps.filesRead);
    // A mutate takes no other code up. Workers that die meanwhile are replaced in the folder of the configuration in force.
    const back = request.method === 'mutate' ? () => undefined : followLink();
    const result = await reloadFrom(before, request, steps).catch(refusedFor);
    if (request.dryRun || result.outcome === 'refused') back();
    return result;
  } catch (error) {
    return refusedFor(error);
  }
}

async function reloadFrom(before: ServicePlans, request: ReloadRequest, steps: ReloadSteps): Promise<ReloadResult> {
  const { method, dryRun, log } = request;
  const prepared = await steps.config?.prepareReload({ method, collect: true });
  const { refusal } = prepared ?? {};
  let compared: (PlanChanges & { readonly after: ServicePlans }) | undefined;
  // Services that end are not asked: what no service will use must not be read.
  const compare = (wanted?: readonly LaunchRequest[]): NonNullable<typeof compared> => {
    const services = wanted?.map(({ service }) => service) ?? steps.services;
    const after = servicePlans(services, prepared?.config, steps.filesRead);
    return { after, ...diff(before, after, method) };
  };
  const all = (files: PlanChanges['files']): ReloadChange[] => [
    ...(prepared?.report({ workers: steps.hasWorkers }) ?? []),
    ...files,
  ];
  let kept: ReadonlySet<string> = new Set();
  // Asked for in the end: what services that end had in use is released as the configuration is applied.
  const changes = (files: PlanChanges['files']): ReloadChange[] => {
    const told = steps.hasWorkers ? withWorkers : withoutWorkers;
    return all(files).map((change) => told(change, kept));
  };
  try {
    const refusals = new Refusals();
    const settings = await refusals.gather(() => request.settings(prepared?.config));
    if (refusal !== undefined) refusals.note(refusal);
    const wanted = refusals.any ? undefined : await refusals.gather(() => steps.wanted?.(prepared, settings!));
    await refusals.gather(() => refuseOtherLogFile(prepared?.changes ?? []));
    const refuse = async (): Promise<void> => {
      if (refusals.any) await steps.refuse?.(refusals, { prepared, settings, wanted });
    };
    // A child judges a configuration that is refused already; services here need not.
    await refuse();
    compared = compare(wanted);
    for (const error of compared.after.failures) {
      // Of a configuration that is refused, services may fail on what is refused: only what they refuse themselves is told.
      if (refusal === undefined || error instanceof ConfigurationRefused) refusals.note(error);
    }
    const ended = endedCertificates(before, compared.after);
    if (ended.length > 0) refusals.note(severalRefusals(ended));
    await refuse();
    refusals.refuse();
    for (const warning of compared.after.warnings) {
      log.warn(printDiagnostic(warning, { showLine: false }), { code: warning.code });
    }
    // A service that is started again keeps nothing: asked before that.
    if (!steps.hasWorkers) kept = keptOptions(steps, all(compared.files), log);
    // A mutate builds nothing: its dry run ends here.
    const ends = dryRun && method === 'mutate';
    const {
      found = [],
      kept: byWorkers,
      ...result
    }: ReloadResult = ends
      ? { outcome: 'accepted' }
      : await steps.takeUp({ prepared, settings: settings!, wanted }, compared);
    if (byWorkers !== undefined) kept = keptByWorkers(byWorkers, all([]));
    const { added, removed, files, pipelines } = compared;
    const services = result.outcome === 'abandoned' ? {} : { added, removed };
    const warnings = warningTexts(compared.after, found, prepared?.warnings);
    return { ...result, ...services, changes: changes(files), pipelines, warnings, kept };
  } catch (error) {
    // Not all values of what the configuration itself refuses can be read: what it would change cannot be told.
    if (refusal !== undefined)
      return { ...refusedFor(error), warnings: warningTexts(undefined, [], prepared?.warnings) };
    const { files, after } = compared ?? compare();
    const warnings = warningTexts(after, [], prepared?.warnings);
    return { ...refusedFor(error), changes: changes(files), warnings };
  }
}

/** Each once, also where its hints differ: APIs share certificates. */
function warningTexts(
  plans: ServicePlans | undefined,
  found: readonly Diagnostic[],
  ofConfig: readonly Diagnostic[] = [],
): string[] {
  const expiring = [...(plans?.plans.values() ?? [])].flatMap(({ certificate }) => certificate?.warnings ?? []);
  const all = [...(plans?.warnings ?? []), ...expiring, ...found, ...ofConfig];
  const told = new Map(all.map((each) => [withoutHint(each), each]));
  return [...told.values()].map((each) => printDiagnostic(each, { showLine: false }));
}

/** The options among these changes that this process keeps until a restart. */
function keptOptions(steps: ReloadSteps, changes: readonly ReloadChange[], log: Logger): ReadonlySet<string> {
  const isKept = (option: string): boolean => {
    try {
      return steps.keeps?.(option) === true;
    } catch (err) {
      // A reload does not fail for its report.
      log.warn(
        `keeps('${option}') of a service failed: the report may say "applied now" for an option that needs a restart`,
        { err },
      );
      return false;
    }
  };
  return new Set(changes.map(({ option }) => option).filter(isKept));
}

/** Those of the options that workers keep which this process does not know: of its own it says itself what waits. */
function keptByWorkers(options: ReadonlySet<string>, changes: readonly ReloadChange[]): ReadonlySet<string> {
  const unknown = changes.filter(({ effect }) => effect === 'by workers, if mutable');
  return new Set(unknown.map(({ option }) => option).filter((option) => options.has(option)));
}

function withWorkers(change: ReloadChange, kept: ReadonlySet<string>): ReloadChange {
  return kept.has(change.option) ? { ...change, effect: 'needs a restart' } : change;
}

function withoutWorkers(change: ReloadChange, kept: ReadonlySet<string>): ReloadChange {
  if (change.effect !== 'applied now' && change.effect !== 'by new workers') return change;
  return { ...change, effect: kept.has(change.option) ? 'needs a restart' : 'applied now' };
}

/** The result of `work`; rejects with `PORTICO_RELOAD_TIMEOUT` when that takes longer than `ms`, in the words of `late`. 0: no limit. */
export async function inCheckTime<T>(ms: number, work: Awaitable<T>, late: (limit: string) => string): Promise<T> {
  return within(Promise.resolve(work), ms || Number.POSITIVE_INFINITY, (): never => {
    throw reloadTimeout(late(`within ${ms / 1000} s`));
  });
}

/** A reload that something of the application holds up. */
export function reloadTimeout(message: string): PorticoError {
  return new PorticoError('PORTICO_RELOAD_TIMEOUT', {
    message,
    hint: 'If it needs that long, increase reload_check_timeout.',
  });
}
