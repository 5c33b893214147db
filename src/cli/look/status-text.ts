/** Text that `api-cli status` prints: services, workers with their uptime and failures, reloads. */
import type { ReloadReport } from '../../operating/index.js';
import {
  cutOffText,
  describeConnections,
  describeEnd,
  describeOverride,
  describeRecent,
  describeRefused,
  describeRequest,
  errorLines,
  mebibytes,
  type ShownWorker,
  type StatusDocument,
} from '../../operating/internal.js';
import { formatAddress } from '../../service/internal.js';
import type { PeriodicStatus } from '../../tasks/index.js';
import { countText, formatDuration } from '../../text/index.js';
import { columns } from '../command.js';

/** Returns the output of `api-cli status`: problems first, then each service with its workers. */
export function statusText({
  process: running,
  services,
  reloads,
  reloading,
  left,
  overrides,
}: StatusDocument): string {
  const { name, version = '', pid, uptimeMs, generation, stopping, logLinesLost, notListening } = running;
  const up = formatDuration(uptimeMs / 1000);
  const lines = [
    `${name} ${version}  pid ${pid}  up ${up}  configuration ${generation}${stopping ? '  stopping' : ''}`,
  ];
  if (reloading !== undefined) {
    const what = reloading.dryRun ? 'A dry run of a reload' : 'A reload';
    lines.push(`${what} has been running since ${reloading.at}: ${reloading.doing}`);
  }
  lines.push(...notListening);
  if (logLinesLost > 0) lines.push(`${logLinesLost} log lines could not be written: is the disk full?`);
  // Problems first: a crash loop has its reason here.
  for (const { name: service, state, ready, wanted, reasons, recent } of services) {
    const head = state === 'ready' && ready >= wanted ? service : `${service} is ${state}`;
    lines.push(...reasons.map((reason, at) => (at === 0 ? `${head}: ${reason}` : `  ${reason}`)));
    const refused = describeRefused(recent);
    if (refused !== undefined) lines.push(`${service} ${refused}`);
  }
  for (const {
    name: service,
    addresses,
    wanted,
    ready,
    restarts,
    lastFailure,
    errors,
    certificateEnds,
    recent,
    connections,
    workers,
  } of services) {
    const where = addresses.map(formatAddress).join(' ');
    const calls = workers.some(({ callsRunning = 0, callsPending = 0 }) => callsRunning + callsPending > 0);
    lines.push('', `${service}  ${where}  ${ready} of ${wanted} ready  ${countText(restarts, 'restart')}`);
    const head = ['worker', 'pid', 'state', 'up', 'busy', 'lag p99', 'max', 'memory', 'requests now'];
    const rows = workers.map((worker) => [...workerRow(worker), ...(calls ? callsOf(worker) : [])]);
    lines.push(...columns([[...head, ...(calls ? CALLS : [])], ...rows]).map((row) => `  ${row}`));
    lines.push(...taskLines(workers).map((line) => `  ${line}`));
    const connected = describeConnections(connections, recent?.closed);
    if (connected !== undefined) lines.push(`  ${connected}`);
    if (recent !== undefined) {
      const inApp = recent.inApp === undefined ? '' : `, in its app ${Math.round(recent.inApp * 1000)} ms on average`;
      lines.push(`  last minute: ${describeRecent(recent)}${inApp}`);
      lines.push(...recent.routes.slice(0, ROUTES).map((route) => `    ${route.route}: ${describeRecent(route)}`));
    }
    if (errors.length > 0)
      lines.push('  errors of the last ten minutes:', ...errorLines(errors).map((line) => `    ${line}`));
    if (certificateEnds !== undefined) {
      const days = Math.floor((Date.parse(certificateEnds) - Date.now()) / DAY_MS);
      const when = days < 0 ? 'has ended' : `ends in ${days} days`;
      lines.push(`  its certificate ${when}, ${certificateEnds}`);
    }
    for (const { id, pid, stuck, suspended, stack = [], heldRequests } of workers) {
      if (!stuck) continue;
      const held = heldRequests.slice(0, HELD).map(describeRequest).join(', ');
      const more = heldRequests.length > HELD ? ` and ${heldRequests.length - HELD} more` : '';
      const how = suspended ? ` stopped by SIGSTOP; kill -CONT ${pid} continues it` : '';
      const known = how !== '' || stack.length > 0;
      lines.push(`  worker ${id} is stuck${held === '' ? '' : ` with ${held}${more}`}${known ? ':' : ''}${how}`);
      lines.push(...stack.map((frame) => `    ${frame}`));
    }
    if (lastFailure !== undefined) lines.push(`  last failure: ${describeEnd(lastFailure)}`);
  }
  if (overrides.length > 0) lines.push('', ...overrides.map(describeOverride));
  lines.push(...leftChanges(left));
  const last = reloads.at(-1);
  if (last !== undefined)
    lines.push('', `Last reload: ${last.outcome}, ${last.at}${last.error === undefined ? '' : `: ${last.error}`}`);
  for (const { at, cutOff = 0 } of reloads) {
    if (cutOff > 0) lines.push(`  ${cutOffText(cutOff, 'drain_timeout')} after the reload of ${at}`);
  }
  return lines.join('\n');
}

/** Returns the changes that accepted reloads have left for a restart. */
function leftChanges(left: StatusDocument['left']): string[] {
  if (left.length === 0) return [];
  return [
    '',
    'Changes that wait until the service is stopped and started:',
    ...left.map((each) => `  ${changeText(each)}`),
  ];
}

/** Describes a change in a report of a reload: `api:shop.port: 8774 -> 8775 (portico.ini:5:8)`. */
export function changeText({ option, old, new: now, where, file }: ReloadReport['changes'][number]): string {
  // Both values are masked: of a secret file, of a secret, and of an option that only workers know, which may be a secret.
  const hidden = file === undefined ? 'changed, value not shown' : `content of ${file} changed`;
  const change = old === now ? hidden : `${old} -> ${now}`;
  return `${option}: ${change} (${where})`;
}

/** Most routes of an API in the text; the page and the JSON have more. */
const ROUTES = 5;

const DAY_MS = 86_400_000;

/** Returns a line for each periodic task: the runs of all workers, the last one, and the last failure. */
function taskLines(workers: readonly ShownWorker[]): string[] {
  const byName = new Map<string, PeriodicStatus[]>();
  for (const status of workers.flatMap(({ periodic = [] }) => periodic)) {
    byName.set(status.name, [...(byName.get(status.name) ?? []), status]);
  }
  return [...byName].map(([name, all]) => {
    const [runs, errors] = [sumOf(all, 'runs'), sumOf(all, 'errors')];
    const ago = Math.min(...all.map(({ lastStartAgo = Number.POSITIVE_INFINITY }) => lastStartAgo));
    const last = Number.isFinite(ago) ? `last run ${formatDuration(ago)} ago` : 'no run yet';
    const failed = all.find(({ lastError }) => lastError !== undefined)?.lastError;
    const told = [`every ${formatDuration(all[0]!.spacing)}`, last, countText(runs, 'run')];
    if (errors > 0) told.push(countText(errors, 'failure'));
    return `task ${name}: ${told.join(', ')}${failed === undefined ? '' : `; it fails: ${failed}`}`;
  });
}

function sumOf(all: readonly PeriodicStatus[], count: 'runs' | 'errors'): number {
  return all.reduce((sum, each) => sum + each[count], 0);
}

const CALLS = ['calls run', 'calls wait'];

/** Returns the remote calls that a worker handles, and that it waits for. */
function callsOf({ callsRunning = 0, callsPending = 0 }: ShownWorker): string[] {
  return [String(callsRunning), String(callsPending)];
}

/** Most requests of a stuck worker in its line; `api-cli requests` lists all. */
const HELD = 5;

function workerRow(worker: ShownWorker): string[] {
  const { id, pid, state, stuck, uptimeMs, silentMs, utilization, lagP99Ms, lagMaxMs, rss, inFlight } = worker;
  return [
    String(id),
    String(pid ?? '-'),
    stuck ? `silent for ${formatDuration(silentMs / 1000)}` : state,
    formatDuration(uptimeMs / 1000),
    utilization === undefined ? '-' : `${Math.round(utilization * 100)} %`,
    milliseconds(lagP99Ms),
    milliseconds(lagMaxMs),
    rss === undefined ? '-' : mebibytes(rss),
    inFlight === undefined ? '-' : String(inFlight),
  ];
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${Math.round(ms)} ms`;
}
