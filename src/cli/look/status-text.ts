/** Text that `api-cli status` prints: services, workers with their uptime and failures, reloads. */
import { pathToFileURL } from 'node:url';
import type { ReloadReport } from '../../operating/index.js';
import {
  cutOffText,
  describeConnections,
  describeEnd,
  describeJob,
  describeOverride,
  describeRequest,
  endingCertificate,
  errorLines,
  mebibytes,
  refusalLines,
  type ShownWorker,
  type StatusDocument,
} from '../../operating/internal.js';
import { formatAddress } from '../../service/internal.js';
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
  extensions = [],
}: StatusDocument): string {
  const {
    name,
    version = '',
    pid,
    uptimeMs,
    generation,
    stopping,
    leaving,
    notListening,
    notStarted = [],
    ending = [],
  } = running;
  const up = formatDuration(uptimeMs / 1000);
  const ends = leaving ? '  leaving' : '  stopping';
  const lines = [`${name} ${version}  pid ${pid}  up ${up}  configuration ${generation}${stopping ? ends : ''}`];
  if (reloading !== undefined) {
    const what = reloading.dryRun ? 'A dry run of a reload' : 'A reload';
    lines.push(`${what} has been running since ${reloading.at}: ${reloading.doing}`);
  }
  lines.push(...notListening, ...notStarted, ...ending);
  lines.push(...lostLines(running));
  // Problems first: a crash loop has its reason here.
  for (const { name: service, state, ready, wanted, reasons } of services) {
    const head = state === 'ready' && ready >= wanted ? service : `${service} is ${state}`;
    lines.push(...reasons.map((reason, at) => (at === 0 ? `${head}: ${reason}` : `  ${reason}`)));
  }
  for (const {
    name: service,
    addresses,
    wanted,
    ready,
    restarts,
    starts = {},
    lastFailure,
    errors,
    certificateEnds,
    certificateUntrusted,
    connections,
    // A parent of an older version has none of both.
    jobs = [],
    refusals = [],
    workers,
  } of services) {
    const where = addresses.map(formatAddress).join(' ');
    const calls = workers.some(({ callsRunning = 0, callsPending = 0 }) => callsRunning + callsPending > 0);
    lines.push(
      '',
      `${service}  ${where}  ${ready} of ${wanted} ready  ${countText(restarts, 'restart')}${replacements(starts)}`,
    );
    const head = [
      'worker',
      'pid',
      'state',
      'up',
      'busy',
      'lag p99',
      'max',
      'memory',
      'requests now',
      'running',
      'waiting',
    ];
    const rows = workers.map((worker) => [...workerRow(worker), ...(calls ? callsOf(worker) : [])]);
    lines.push(...columns([[...head, ...(calls ? CALLS : [])], ...rows]).map((row) => `  ${row}`));
    lines.push(...jobs.map((job) => `  ${describeJob(job)}`));
    const connected = describeConnections(connections);
    if (connected !== undefined) lines.push(`  ${connected}`);
    if (errors.length > 0)
      lines.push('  errors of the last ten minutes:', ...errorLines(errors).map((line) => `    ${line}`));
    if (refusals.length > 0)
      lines.push('  refused in the last ten minutes:', ...refusalLines(refusals).map((line) => `    ${line}`));
    // One that ends soon is among the problems.
    if (certificateEnds !== undefined && endingCertificate(certificateEnds).length === 0) {
      const days = Math.floor((Date.parse(certificateEnds) - Date.now()) / DAY_MS);
      lines.push(`  its certificate expires in ${days} days, ${certificateEnds}`);
    }
    if (certificateUntrusted !== undefined) lines.push(`  ${certificateUntrusted}`);
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
  for (const { name: extension, lines: own } of extensions)
    lines.push('', ...own.map((line) => `${extension}  ${line}`));
  const last = reloads.at(-1);
  if (last !== undefined)
    lines.push('', `Last reload: ${last.outcome}, ${last.at}${last.error === undefined ? '' : `: ${last.error}`}`);
  for (const { at, cutOff = 0, replaced } of reloads) {
    // Without workers it may be reload_pause.
    const limit = Object.keys(replaced).length > 0 ? 'drain_timeout' : 'the deadline';
    if (cutOff > 0) lines.push(`  ${cutOffText(cutOff, limit)} after the reload of ${at}`);
  }
  // Frames of stacks have URLs; those below the working directory are relative to it.
  return lines.join('\n').replaceAll(`(${pathToFileURL('.').href}/`, '(');
}

function lostLines({ logLinesLost }: StatusDocument['process']): string[] {
  if (logLinesLost === 0) return [];
  return [
    `${countText(logLinesLost, 'log line')} could not be written since the start, log_lines_lost in the log says when: was the disk full, or is standard error not read?`,
  ];
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
  // Of a file, only what a service says of its content, such as the end of a certificate.
  const [was, is] = file === undefined ? [old, now] : [old, now].map((each) => each.replace(DIGEST, ''));
  const values = was === is ? '' : `${was} -> ${is}`;
  // Masked are secrets, and options that only workers know, which may be secrets.
  if (file === undefined) return `${option}: ${values || 'changed, value not shown'} (${where})`;
  return `${option}: content of ${file} changed${values && `: ${values}`} (${where})`;
}

/** The end of a description of a file: enough to distinguish two contents, and nothing to read. */
const DIGEST = /(?:, )?\bsha256 [0-9a-f]{12}$/;

const DAY_MS = 86_400_000;

/** Returns the workers that were replaced although none has failed: a trend of memory would show as no restart. */
function replacements({ memory = 0, recycle = 0 }: Readonly<Record<string, number>>): string {
  return [
    ...(memory > 0 ? [`  ${countText(memory, 'replacement')} by max_memory`] : []),
    ...(recycle > 0 ? [`  ${countText(recycle, 'replacement')} by max_requests, SIGHUP or the application`] : []),
  ].join('');
}

const CALLS = ['calls run', 'calls wait'];

/** Returns the remote calls that a worker handles, and that it waits for. */
function callsOf({ callsRunning = 0, callsPending = 0 }: ShownWorker): string[] {
  return [String(callsRunning), String(callsPending)];
}

/** Most requests of a stuck worker in its line; `api-cli requests` lists all. */
const HELD = 5;

function workerRow(worker: ShownWorker): string[] {
  const { id, pid, state, stuck, uptimeMs, silentMs, utilization, lagP99Ms, lagMaxMs, rss } = worker;
  return [
    String(id),
    String(pid ?? '-'),
    stuck ? `silent for ${formatDuration(silentMs / 1000)}` : state,
    formatDuration(uptimeMs / 1000),
    utilization === undefined ? '-' : `${Math.round(utilization * 100)} %`,
    milliseconds(lagP99Ms),
    milliseconds(lagMaxMs),
    rss === undefined ? '-' : mebibytes(rss),
    ...[worker.inFlight, worker.running, worker.queued].map((count) => String(count ?? '-')),
  ];
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${Math.round(ms)} ms`;
}
