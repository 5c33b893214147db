/**
 * One reload, from the files to what is told of it: the same for services in workers and for services in this process. What
 * differs is how a new configuration is taken up.
 */
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, printDiagnostic, Refusals } from '../../errors/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';
import type { LaunchSettings } from '../launcher-options.js';
import type { ReloadRequest } from '../runner.js';
import type { LaunchRequest } from './fleet-reload.js';
import { diff, type PlanChanges, type ReloadChange } from './reload-changes.js';
import { type ReloadResult, refusedFor } from './reload-report.js';
import { type Prepared, prepareReload } from './reload-source.js';
import { type ServicePlans, servicePlans } from './service-plans.js';

/** A new configuration, and which services there are to be. */
export interface NextConfiguration {
  readonly prepared: Prepared;
  readonly settings: LaunchSettings;
  /** Undefined: those there are. */
  readonly wanted: readonly LaunchRequest[] | undefined;
}

/** One that is refused. Its settings, and the services there were to be, are known unless they are why. */
export type RefusedConfiguration = Pick<NextConfiguration, 'prepared'> & {
  readonly [K in 'settings' | 'wanted']: NextConfiguration[K] | undefined;
};

/** What a runner does of a reload by itself. */
export interface ReloadSteps {
  readonly config: Config | undefined;
  /** Those that run. */
  readonly services: readonly ServiceBase[];
  /** False: what new workers would take up is taken up when the services of this process start again. */
  readonly workers: boolean;
  /** Says which services there are to be; undefined: those there are. A rejection refuses the reload. */
  wanted?(prepared: Prepared, settings: LaunchSettings): Awaitable<readonly LaunchRequest[] | undefined>;
  /** Rejects with these refusals, and with what only the application knows to be wrong beside them. */
  readonly refuse?: ((refusals: Refusals, next: RefusedConfiguration) => Promise<never>) | undefined;
  /** Puts in force what is right as it is written; in a dry run builds it. A rejection refuses the reload. */
  takeUp(next: NextConfiguration): Promise<ReloadResult>;
}

/** Gives what came of it; never rejects. */
export async function reload(request: ReloadRequest, steps: ReloadSteps): Promise<ReloadResult> {
  try {
    const before = servicePlans(steps.services, steps.config);
    const prepared = await prepareReload(steps.config, request.method);
    return await reloadTo(prepared, before, request, steps);
  } catch (error) {
    return refusedFor(error);
  }
}

async function reloadTo(
  prepared: Prepared,
  before: ServicePlans,
  request: ReloadRequest,
  steps: ReloadSteps,
): Promise<ReloadResult> {
  let wanted: readonly LaunchRequest[] | undefined;
  let known: (PlanChanges & { readonly after: ServicePlans }) | undefined;
  // Only services that stay are asked: what no service will use must not be read.
  const compared = (): NonNullable<typeof known> => {
    if (known !== undefined) return known;
    const after = servicePlans(wanted?.map(({ service }) => service) ?? steps.services, prepared.config);
    known = { after, ...diff(before, after, request.method) };
    return known;
  };
  const changes = (): ReloadChange[] =>
    [...prepared.report(), ...compared().files].map((change) => (steps.workers ? change : withoutWorkers(change)));
  try {
    const refusals = new Refusals();
    const settings = await refusals.gather(() => request.settings(prepared.config));
    if (prepared.refusal !== undefined) refusals.note(prepared.refusal);
    if (!refusals.any) wanted = await refusals.gather(() => steps.wanted?.(prepared, settings!));
    // Where children judge a configuration that is refused already, services here need not.
    if (!refusals.any || steps.refuse === undefined) noteRefusals(refusals, compared().after, prepared);
    if (refusals.any) await steps.refuse?.(refusals, { prepared, settings, wanted });
    refusals.refuse();
    const { after, pipelines } = compared();
    for (const warning of after.warnings) {
      request.log.warn(printDiagnostic(warning, { showLine: false }), { code: warning.code });
    }
    const result = await takenUp({ prepared, settings: settings!, wanted }, request, steps);
    return { ...result, changes: changes(), pipelines };
  } catch (error) {
    if (prepared.refusal !== undefined) throw error;
    return { ...refusedFor(error), changes: changes() };
  }
}

/** A mutate builds nothing: its dry run ends here. */
async function takenUp(
  next: NextConfiguration,
  { dryRun, method }: ReloadRequest,
  { takeUp }: ReloadSteps,
): Promise<ReloadResult> {
  return dryRun && method === 'mutate' ? { outcome: 'accepted' } : takeUp(next);
}

/** Of a configuration that is refused already, which no service need be able to look at, nothing but refusals counts. */
function noteRefusals(refusals: Refusals, { failures }: ServicePlans, { refusal }: Prepared): void {
  for (const error of failures) {
    if (refusal === undefined || error instanceof ConfigurationRefused) refusals.note(error);
  }
}

function withoutWorkers(change: ReloadChange): ReloadChange {
  return change.effect === 'by new workers' ? { ...change, effect: 'applied now' } : change;
}
