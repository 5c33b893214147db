/** The differences that a reload makes for clients: those that `plan --running` lists, beside the report of the reload. */
import { statSync } from 'node:fs';
import { errorText, PorticoError } from '../../errors/index.js';
import type { ReloadChange, ReloadReport } from '../../operating/index.js';
import { compareStates, counted, type Difference, isToldElsewhere, stateFrom } from '../../plan/index.js';
import { type RunningStates, reloadDifferences, runningState, runningStates } from './running-state.js';

/** The report of a reload, with its differences; of one that was refused, or mutates, without. */
export type ComparedReload = ReloadReport & {
  readonly counts?: ReturnType<typeof counted>;
  readonly differences?: readonly Difference[];
  /** Reason why a state of the service is not known. */
  readonly notCompared?: string;
};

/** Time that the service has to describe itself before a reload: the reload may be the remedy for workers that do not respond. */
const BEFORE_MS = 2000;

/**
 * Calls a function that reloads the service on a control socket, and compares what runs before and after it. Of a dry run the state after it is
 * built from the files, by this process: only for a service of the same user.
 */
export async function comparedReload(socket: string, reload: () => Promise<ReloadReport>): Promise<ComparedReload> {
  const limit = AbortSignal.timeout(BEFORE_MS);
  const running = await runningStates(socket, limit).catch((error: unknown) => {
    return { notCompared: limit.aborted ? undefined : errorText(error) };
  });
  const report = await reload();
  const isInForce = report.outcome === 'accepted' || report.outcome === 'incomplete';
  // A mutate loads no other code.
  if (!isInForce || report.method === 'mutate') return report;
  if ('notCompared' in running) return { ...report, notCompared: running.notCompared ?? lateText(report) };
  try {
    const found =
      report.dryRun === true
        ? reloadDifferences(running.before, await fromFiles(socket, running))
        : compareStates(running.before, await runningState(socket, running.key));
    const differences = found.map((each) => withEffect(each, report.changes));
    return { ...report, counts: counted(differences), differences };
  } catch (error) {
    return { ...report, notCompared: errorText(error) };
  }
}

/** Only the report knows the services. */
function lateText({ replaced }: ReloadReport): string {
  const names = Object.keys(replaced);
  const nobody = names.length === 1 ? `no worker of ${names[0]}` : 'not every service';
  return `${nobody} described it within ${BEFORE_MS / 1000} s`;
}

async function fromFiles(socket: string, { key, after }: RunningStates) {
  // Code of another user must not run with the rights of root.
  const user = process.getuid?.();
  const { uid } = statSync(socket);
  if (user !== undefined && uid !== user)
    throw new PorticoError('PORTICO_PLAN_STATE', { message: `run it as the user of the service, with uid ${uid}` });
  return stateFrom(after, key);
}

/** The report knows which options this process applies only when it is started anew. */
function withEffect(difference: Difference, changes: readonly ReloadChange[]): Difference {
  const change = changes.find(({ option }) => subjectOf(option) === difference.subject);
  return change?.effect === 'needs a restart' ? { ...difference, effect: 'needs a restart' } : difference;
}

/** Returns the changes of options and files that the differences do not tell. */
export function otherChanges({ changes, differences }: ComparedReload): readonly ReloadChange[] {
  if (differences === undefined) return changes;
  const told = new Set(differences.map(({ subject }) => subject));
  const waiting = new Set(differences.filter(({ effect }) => effect === 'needs a restart').map(({ api }) => api));
  const isTold = ({ option, effect }: ReloadChange): boolean => {
    if (!isToldElsewhere(option)) return told.has(subjectOf(option));
    // The API that runs has not changed: no difference tells an address that waits for a restart.
    const api = apiOf(option);
    return effect !== 'needs a restart' || (api !== undefined && waiting.has(api));
  };
  return changes.filter((change) => change.file !== undefined || !isTold(change));
}

/** Returns the API of an option: `compute` of `api:compute.port`. */
function apiOf(option: string): string | undefined {
  return /^api:(.*)\./.exec(option)?.[1];
}

/** Returns the subject of the difference of an option: `[wsgi] max_queue`. */
function subjectOf(option: string): string {
  return option.replace(/^(.*)\.(.*)$/, '[$1] $2');
}
