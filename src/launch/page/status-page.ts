/**
 * The status page: what a launcher knows of itself and its workers, for a person. All of it is made here; its script only
 * fetches it again.
 */
import { formatAddress } from '../../service/internal.js';
import { formatDuration } from '../../text/index.js';
import type { Readiness } from '../control/readiness.js';
import type { ServicesDocument } from '../control/service-routes.js';
import { type LauncherStatus, type ServiceStatus, SILENT_MS, type WorkerStatus } from '../launcher-status.js';
import type { ReloadReport } from '../reload/reload-report.js';
import { chart } from './chart.js';
import { framed, type SentPage } from './frame.js';
import { History, type Stretch } from './history.js';
import { type Html, html, type Shown, table } from './html.js';
import { SCRIPT } from './page-assets.js';
import { pipelinePicture, type StagedApp } from './pipeline-picture.js';

/** A request under way. */
export interface ShownRequest {
  readonly ageMs: number;
  readonly method?: string;
  readonly path?: string;
  readonly route?: string;
  readonly filter?: string;
  readonly peer?: string;
  readonly service: string;
  readonly worker: number;
}

/** An option that is not at its default; a secret is masked. */
export interface ShownSetting {
  readonly name: string;
  readonly value: string;
  readonly where: string;
}

/** What the page shows. */
export interface PageFacts {
  readonly name: string;
  readonly version: string | undefined;
  readonly status: LauncherStatus;
  readonly readiness: readonly Readiness[];
  readonly requests: readonly ShownRequest[];
  readonly settings: readonly ShownSetting[];
  /** The apps of services, where paste files have them. */
  readonly pipelines: ReadonlyMap<string, StagedApp>;
  /** Undefined: requests are not counted. */
  readonly history: readonly Stretch[] | undefined;
  /** The APIs are described at `/docs`. */
  readonly docs: boolean;
  /** What `GET /services` answers, or why it cannot be had. */
  readonly registered: Pick<ServicesDocument, 'services'> | string;
}

export function statusPage(facts: PageFacts): SentPage {
  const { name, version, status, readiness } = facts;
  const sections: readonly (readonly [id: string, title: string, content: Shown])[] = [
    ['apis', 'APIs', apis(status.services, readiness)],
    ['workers', 'Workers', workers(status.services)],
    ['charts', 'Requests', charts(facts.history)],
    ['requests', 'Under way', requests(facts.requests)],
    ['pipelines', 'Pipelines', pipelines(facts.pipelines)],
    ['services', 'Registered services', registered(facts.registered)],
    ['certificates', 'Certificates', certificates(status.services)],
    ['reload', 'Last reload', reload(status.reloads.at(-1))],
    ['configuration', 'Configuration', configuration(facts.settings)],
  ];
  return framed({
    title: `${name}: status`,
    first: 'apis',
    script: SCRIPT,
    header: html`<h1>${name}</h1>
<div id="process" data-part>${version === undefined ? undefined : html`<span>${version}</span> · `}pid ${status.pid} · configuration ${status.generation} · ${summary(readiness, status.services)}</div>
${facts.docs ? html`<a href="/docs">API descriptions</a>\n` : undefined}<button id="live" type="button" hidden>Pause</button>
<span id="failed" class="bad" role="status"></span>
`,
    main: html`${sections.map(
      ([id, title, content]) => html`<section aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<div id="${id}" data-part>${content}</div>
</section>
`,
    )}`,
  });
}

function summary(readiness: readonly Readiness[], services: readonly ServiceStatus[]): Html {
  const wrong = [
    ...readiness.filter(({ state }) => state !== 'ready').map(({ name, state }) => `${name} is ${state}`),
    ...services.flatMap(({ name, workers: all }) =>
      all.filter(({ silentMs }) => silentMs > SILENT_MS).map(({ id }) => `worker ${id} of ${name} is silent`),
    ),
  ];
  if (wrong.length === 0) return html`<span class="good">all APIs are ready</span>`;
  return html`<span class="bad">${wrong.join(', ')}</span>`;
}

function apis(services: readonly ServiceStatus[], readiness: readonly Readiness[]): Html {
  const rows = services.map(({ name, addresses, ready, wanted, restarts }) => {
    const { state, reasons } = readiness.find((each) => each.name === name) ?? { state: 'starting', reasons: [] };
    return html`<tr><th scope="row">${name}</th><td>${addresses.map(formatAddress).join(' ')}</td><td class="${state === 'ready' ? 'good' : 'bad'}">${state}</td><td class="number">${ready} of ${wanted}</td><td class="number">${restarts}</td><td>${reasons.join('; ')}</td></tr>
`;
  });
  return table(
    'What is served, and whether it can be sent requests',
    ['API', 'address', 'state', '#workers', '#restarts', ''],
    rows,
  );
}

function workers(services: readonly ServiceStatus[]): Html {
  const rows = services.flatMap(({ name, workers: all }) => all.map((worker) => workerRow(name, worker)));
  const stuck = services.flatMap(({ name, workers: all }) =>
    all.flatMap(({ id, pid, silentMs, stack }) =>
      stack === undefined
        ? []
        : [
            html`<h3 class="bad">Worker ${id} of ${name} (pid ${pid}) has been stuck for ${formatDuration(silentMs / 1000)}</h3>
<pre tabindex="0">${stack.join('\n')}</pre>
`,
          ],
    ),
  );
  const head = ['API', 'worker', '#pid', 'state', '#up', '#busy', '#lag', '#memory', '#requests', '#waiting'];
  return html`${stuck}${table('Each as it told last, once a second', head, rows)}`;
}

function workerRow(service: string, { id, pid, state, uptimeMs, silentMs, facts }: WorkerStatus): Html {
  const fact = (name: string, shown: (value: number) => string): string => {
    const { [name]: value } = facts;
    return typeof value === 'number' ? shown(value) : '–';
  };
  const told = [
    formatDuration(uptimeMs / 1000),
    fact('utilization', (value) => `${Math.round(value * 100)} %`),
    fact('lagMs', (value) => `${Math.round(value)} ms`),
    fact('rss', (value) => `${Math.round(value / 2 ** 20)} MiB`),
    fact('inFlight', String),
    fact('queued', String),
  ];
  const shown =
    silentMs > SILENT_MS
      ? html`<td class="bad">silent for ${formatDuration(silentMs / 1000)}</td>`
      : html`<td>${state}</td>`;
  return html`<tr><th scope="row">${service}</th><td>${id}</td><td class="number">${pid}</td>${shown}${told.map((each) => html`<td class="number">${each}</td>`)}</tr>
`;
}

function charts(history: readonly Stretch[] | undefined): Html {
  if (history === undefined)
    return html`<p>Requests are not counted: set <code>enabled = true</code> in <code>[metrics]</code>.</p>`;
  const frame = { points: (History.minutes * 60) / 5, minutes: History.minutes };
  const rate = [
    { name: 'all', style: '', values: history.map((each) => each.rate) },
    { name: '5xx', style: 'second', values: history.map((each) => each.failed) },
  ];
  const time = [
    { name: 'median', style: '', values: history.map(({ median }) => median) },
    { name: '95 %', style: 'second', values: history.map(({ slow }) => slow) },
  ];
  return html`<div class="charts">
${chart('Requests a second', rate, { ...frame, shown: (value) => value.toFixed(1) })}
${chart('Time they take', time, { ...frame, shown: (value) => `${(value * 1000).toFixed(0)} ms` })}
</div>`;
}

/** So many are in the table. */
const SHOWN = 50;

function requests(all: readonly ShownRequest[]): Html {
  if (all.length === 0) return html`<p>No request is being served.</p>`;
  const rows = all.slice(0, SHOWN).map(
    ({ ageMs, method, path, route, filter, peer, service, worker }) =>
      html`<tr><td class="number">${(ageMs / 1000).toFixed(1)} s</td><td>${service}/${worker}</td><td>${method}</td><td class="long">${path}</td><td>${route}</td><td>${filter}</td><td>${peer}</td></tr>
`,
  );
  const caption = all.length > SHOWN ? `The oldest ${SHOWN} of ${all.length}` : 'The oldest first';
  return table(caption, ['#age', 'worker', 'method', 'path', 'route', 'in filter', 'from'], rows);
}

function pipelines(all: ReadonlyMap<string, StagedApp>): Html {
  if (all.size === 0) return html`<p>No API has a pipeline of a paste file.</p>`;
  return html`${[...all].map(
    ([name, app]) => html`<h3>${name}</h3>
${pipelinePicture(name, app)}`,
  )}`;
}

function registered(known: PageFacts['registered']): Html {
  if (typeof known === 'string') return html`<p>${known}</p>`;
  if (known.services.length === 0) return html`<p>No service has registered.</p>`;
  const rows = known.services.map((each) => {
    const reason = each.disabled_reason === null ? '' : `: ${each.disabled_reason}`;
    const state = each.forced_down ? `${each.state} (forced)` : each.state;
    const up = each.workers.filter((worker) => worker.state === 'up').length;
    return html`<tr><th scope="row">${each.binary}</th><td>${each.host}</td><td>${each.status}${reason}</td><td class="${each.state === 'down' ? 'bad' : 'good'}">${state}</td><td>${each.lifecycle}</td><td class="number">${up} of ${each.workers.length}</td><td>${each.last_seen_up ?? 'never'}</td></tr>
`;
  });
  const head = ['service', 'host', 'status', 'state', 'lifecycle', '#workers up', 'last seen'];
  return table('On all hosts, as the registry has them', head, rows);
}

const DAY_MS = 86_400_000;

function certificates(services: readonly ServiceStatus[]): Html {
  const rows = services.flatMap(({ name, certificateEnds }) => {
    if (certificateEnds === undefined) return [];
    const days = Math.floor((Date.parse(certificateEnds) - Date.now()) / DAY_MS);
    return html`<tr><th scope="row">${name}</th><td>${certificateEnds}</td><td class="number ${days < 30 ? 'bad' : ''}">${days}</td></tr>
`;
  });
  if (rows.length === 0) return html`<p>No API has a certificate in a file.</p>`;
  return table('When they end', ['API', 'ends', '#days left'], rows);
}

function reload(last: ReloadReport | undefined): Html {
  if (last === undefined) return html`<p>There was none.</p>`;
  const { outcome, at, durationMs, error, changes, replaced, added, removed } = last;
  const isGood = outcome === 'accepted';
  const rows = changes.map(
    ({ option, old, new: now, where, effect }) =>
      html`<tr><th scope="row">${option}</th><td class="long">${String(old)}</td><td class="long">${String(now)}</td><td>${where}</td><td>${effect}</td></tr>
`,
  );
  const done = [
    ...Object.entries(replaced).map(([name, count]) => `${name}: ${count} workers replaced`),
    ...added.map((name) => `${name} added`),
    ...removed.map((name) => `${name} removed`),
  ];
  return html`<p><span class="${isGood ? 'good' : 'bad'}">${outcome}</span> after ${durationMs} ms, <time datetime="${at}">${at}</time>${done.length > 0 ? `: ${done.join(', ')}` : ''}</p>
${error === undefined ? undefined : html`<pre tabindex="0">${error}</pre>`}${rows.length > 0 ? table('What it changed', ['option', 'old', 'new', 'where', 'effect'], rows) : undefined}`;
}

function configuration(settings: readonly ShownSetting[]): Html {
  const rows = settings.map(
    ({ name, value, where }) =>
      html`<tr><th scope="row">${name}</th><td class="long"><code>${value}</code></td><td class="long">${where}</td></tr>
`,
  );
  return html`<details><summary>${settings.length} options differ from their defaults</summary>
${table('Secrets are masked', ['option', 'value', 'set in'], rows)}</details>`;
}
