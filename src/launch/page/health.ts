/** Top of the status page: whether all is well, and if not, the failures and their start. */
import { formatAddress } from '../../service/internal.js';
import { formatDuration } from '../../text/index.js';
import { describeRefused, FAILING, type RecentApi, type RecentRequests } from '../control/recent.js';
import type { Readiness } from '../control/status-document.js';
import {
  type LauncherStatus,
  type ServiceStatus,
  whatLoads,
  withOtherCode,
  withOtherNode,
} from '../launcher-status.js';
import { describeEnd, howEnded } from '../parent/worker-end.js';
import { type Html, html, table } from './frame.js';

/** Figures of the last minute, by API; undefined for an API whose requests are not counted, or that had none. */
export type RecentApis = ReadonlyMap<string, RecentApi | undefined>;

/** Facts that the summary depends on. `lost`: log lines that could not be written. */
interface Health {
  readonly readiness: readonly Readiness[];
  readonly recent: RecentApis;
  readonly lost: number;
}

/** Time for which the death of a worker is told. */
const TOLD_MS = 10 * 60_000;

/** Returns the problems, a few words each; empty if all is well. */
export function whatIsWrong({ services, reloads }: LauncherStatus, { readiness, recent, lost }: Health): string[] {
  // A reload that a stop cut off has changed nothing.
  const reload = reloads.findLast(({ outcome }) => outcome !== 'abandoned')?.outcome ?? 'accepted';
  return [
    ...readiness.filter(({ state }) => state !== 'ready').map(({ name, state }) => `${name} is ${state}`),
    ...services.flatMap(({ name, workers: all }) =>
      all.filter(({ stuck }) => stuck).map(({ id }) => `worker ${id} of ${name} is stuck`),
    ),
    ...services.filter(({ workers }) => withOtherCode(workers).length > 0).map(({ name }) => `${name} runs mixed code`),
    ...services
      .filter(({ workers }) => withOtherNode(workers).length > 0)
      .map(({ name }) => `${name} runs another Node than its parent`),
    ...services.flatMap(({ name }) => {
      const failed = recent.get(name)?.failed ?? 0;
      return failed > FAILING ? [`${name}: ${Math.round(failed * 100)} % of its requests fail`] : [];
    }),
    ...services.flatMap(({ name }) => {
      const refused = describeRefused(recent.get(name));
      return refused === undefined ? [] : [`${name} ${refused}`];
    }),
    ...services.flatMap(({ name, lastFailure: end }) =>
      end === undefined || Date.now() - Date.parse(end.at) > TOLD_MS
        ? []
        : [`a worker of ${name} ${howEnded(end)} ${formatDuration((Date.now() - Date.parse(end.at)) / 1000)} ago`],
    ),
    ...(reload === 'accepted' ? [] : [`the last reload ${reload === 'refused' ? 'was' : 'is'} ${reload}`]),
    ...(lost > 0 ? [`${lost} lines of the log could not be written`] : []),
  ];
}

/** Green means that requests succeed, as far as they are counted. */
export function summary(wrong: readonly string[], isCounted: boolean): Html {
  if (wrong.length > 0) return html`<span id="summary" class="bad">${wrong.join(', ')}</span>`;
  if (isCounted) return html`<span id="summary" class="good">all APIs are ready</span>`;
  return html`<span id="summary">all APIs are ready; their requests are not counted</span>`;
}

/** Returns the table of APIs. */
export function served(services: readonly ServiceStatus[], readiness: readonly Readiness[], recent: RecentApis): Html {
  const rows = services.map(({ name, addresses, ready, wanted, restarts, lastFailure }) => {
    const { state, reasons } = readiness.find((each) => each.name === name) ?? { state: 'starting', reasons: [] };
    const ended = lastFailure === undefined ? undefined : describeEnd(lastFailure);
    const isTold = reasons.some(
      (reason) => lastFailure !== undefined && reason.includes(`worker ${lastFailure.worker} (pid ${lastFailure.pid})`),
    );
    const told = [...reasons, ...(ended === undefined || isTold ? [] : [`last failure: ${ended}`])];
    const known = recent.get(name);
    const isGood = state === 'ready' && ready >= wanted;
    return html`<tr><th scope="row">${name}</th><td>${addresses.map(formatAddress).join(' ')}</td><td class="${isGood ? 'good' : 'bad'}">${state}</td><td class="number">${ready} of ${wanted}</td><td class="number">${restarts}</td>${numbers(known)}<td class="long">${told.join('; ')}</td></tr>
`;
  });
  return table(
    'The services, their readiness, and their requests of the last minute',
    ['API', 'address', 'state', '#workers', '#restarts', '#requests/s', '#failed', '#p95', ''],
    rows,
  );
}

/** Returns the columns with requests of the last minute. */
function numbers(recent: RecentRequests | undefined): Html {
  if (recent === undefined) return html`<td class="number">–</td><td class="number">–</td><td class="number">–</td>`;
  const { rate, failed, p95 } = recent;
  return html`<td class="number">${rate.toFixed(1)}</td><td class="number ${failed > FAILING ? 'bad' : ''}">${(failed * 100).toFixed(failed > 0 && failed < 0.01 ? 1 : 0)} %</td><td class="number">${Math.round(p95 * 1000)} ms</td>`;
}

/** Returns the routes of the last minute, if there are any. */
export function routes(services: readonly ServiceStatus[], recent: RecentApis): Html | undefined {
  const rows = services.flatMap(({ name }) =>
    (recent.get(name)?.routes ?? []).map(
      (route) => html`<tr><th scope="row">${name}</th><td class="long">${route.route}</td>${numbers(route)}</tr>
`,
    ),
  );
  if (rows.length === 0) return undefined;
  const head = ['API', 'route', '#requests/s', '#failed', '#p95'];
  return table('Routes of the last minute: failing ones first, then the slowest', head, rows);
}

/** Returns the most frequent and the last error of each route in the last ten minutes. */
export function errors(services: readonly ServiceStatus[]): Html {
  const rows = services.flatMap(({ name, errors: all }) =>
    all.map(
      ({
        route,
        error,
        place,
        count,
        at,
        requestId,
      }) => html`<tr><th scope="row">${name}</th><td class="long">${route}</td><td class="long">${error}</td><td>${place}</td><td class="number">${count}</td><td><time datetime="${at}">${at}</time></td><td>${requestId}</td></tr>
`,
    ),
  );
  if (rows.length === 0) return html`<p>No request has failed in the last ten minutes.</p>`;
  const head = ['API', 'route', 'error', 'place', '#times', 'last', 'its request id'];
  return table('The most frequent and the last error of each route in the last ten minutes', head, rows);
}

/** Shows a reload in progress. */
export function underWay({ reloading, services }: LauncherStatus): Html | undefined {
  if (reloading === undefined) return undefined;
  const what = reloading.dryRun ? 'A dry run' : 'A reload';
  return html`<p class="bad">${what} has been running since ${reloading.at}: ${whatLoads(services)}</p>
`;
}
