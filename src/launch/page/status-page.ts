/**
 * The status page: a launcher's knowledge of itself and its workers. The page is rendered here; its script only fetches
 * it again.
 */
import { differencesFromDefaults, type ShownOption } from '../../config/internal.js';
import { describeError, placeOf } from '../../errors/index.js';
import { metricsOptions, type Totals } from '../../metrics/index.js';
import { countText, formatDuration } from '../../text/index.js';
import { adminOptions } from '../control/admin-guard.js';
import type { ControlAnswer } from '../control/control-server.js';
import type { Controlled } from '../control/controlled.js';
import type { History } from '../control/history.js';
import { describeOverride, overridesOf } from '../control/overrides.js';
import { type RegisteredServices, type ServicesDocument, servicesDocument } from '../control/registered-services.js';
import { logLinesLost, readinessOf, requestsOf, type ShownRequest } from '../control/status-document.js';
import type { ServiceStatus, WorkerStatus } from '../launcher-status.js';
import { cutOffText, mebibytes } from '../parent/worker-end.js';
import type { ReloadReport } from '../reload/reload-report.js';
import type { ServicePlans } from '../reload/service-plans.js';
import { charts } from './charts.js';
import { framed, type Html, html, type Shown, table } from './frame.js';
import { errors, type RecentApis, routes, served, summary, underWay, whatIsWrong } from './health.js';
import { pipelinePicture } from './pipeline-picture.js';

/** Facts on the page in addition to those of the launcher. */
interface PageFacts {
  readonly registered: RegisteredServices;
  /** Data of the charts; undefined if none are kept. */
  readonly history: History | undefined;
  readonly plans: ServicePlans['plans'];
}

export async function statusPage(
  controlled: Controlled,
  { registered, history, plans }: PageFacts,
): Promise<ControlAnswer> {
  const { name: program, version, config, runner } = controlled;
  const listed = await registered.ask(servicesDocument).catch((error: unknown) => describeError(error));
  const status = controlled.status();
  const readiness = readinessOf(status);
  const isCounted = config.group('metrics', metricsOptions).enabled;
  const recent: RecentApis = new Map(status.services.map(({ name: api }) => [api, controlled.recent.of(api)]));
  const lost = logLinesLost(controlled.log, runner.counted());
  const wrong = whatIsWrong(status, { readiness, recent, lost });
  // The program is often `api-cli`.
  const name = status.services.map((service) => service.name).join(', ') || program;
  const sections: readonly (readonly [id: string, title: string, content: Shown])[] = [
    ['apis', 'APIs', served(status.services, readiness, recent)],
    ['errors', 'Errors', errors(status.services)],
    ['workers', 'Workers', workers(status.services)],
    [
      'charts',
      'Requests',
      isCounted && history !== undefined ? [charts(history.stretches), routes(status.services, recent)] : NOT_COUNTED,
    ],
    ['requests', 'Open requests', requests(requestsOf(status.services))],
    ['pipelines', 'Pipelines', pipelines(plans, runner.counted())],
    ['services', 'Registered services', services(listed)],
    ['certificates', 'Certificates', certificates(status.services)],
    ['reload', 'Last reload', [underWay(status), reload(status.reloads.at(-1))]],
    ['configuration', 'Configuration', configuration(differencesFromDefaults(config))],
  ];
  return framed({
    title: wrong.length === 0 ? `${name}: ready` : `${name}: ${wrong.join(', ')}`,
    first: 'apis',
    script: SCRIPT,
    header: html`<h1>${name}</h1>
<div id="process" data-part>${program} ${version} · pid ${status.pid} · configuration ${status.generation} · ${summary(wrong, isCounted)}${status.reloading === undefined ? undefined : ' · a reload is under way'}${overridesOf(controlled.levels, status).map((each) => html` · ${describeOverride(each)}`)}</div>
${config.group('admin', adminOptions).docs ? html`<a href="/docs">API descriptions</a>\n` : undefined}<button id="live" type="button" hidden>Pause</button>
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
  const head = [
    'API',
    'worker',
    '#pid',
    'state',
    '#up',
    '#busy',
    '#lag p99',
    '#lag max',
    '#memory',
    '#requests',
    '#waiting',
    '#calls run',
    '#calls wait',
  ];
  return html`${stuck}${table('Last report of each worker (one a second)', head, rows)}`;
}

function workerRow(service: string, { id, pid, state, stuck, uptimeMs, silentMs, facts }: WorkerStatus): Html {
  const fact = (name: string, shown: (value: number) => string): string => {
    const { [name]: value } = facts;
    return typeof value === 'number' ? shown(value) : '–';
  };
  const told = [
    formatDuration(uptimeMs / 1000),
    fact('utilization', (value) => `${Math.round(value * 100)} %`),
    fact('lagP99Ms', (value) => `${Math.round(value)} ms`),
    fact('lagMaxMs', (value) => `${Math.round(value)} ms`),
    fact('rss', mebibytes),
    fact('inFlight', String),
    fact('queued', String),
    fact('callsRunning', String),
    fact('callsPending', String),
  ];
  const shown = stuck
    ? html`<td class="bad">silent for ${formatDuration(silentMs / 1000)}</td>`
    : html`<td>${state}</td>`;
  return html`<tr><th scope="row">${service}</th><td>${id}</td><td class="number">${pid}</td>${shown}${told.map((each) => html`<td class="number">${each}</td>`)}</tr>
`;
}

const NOT_COUNTED = html`<p>Requests are not counted: set <code>enabled = true</code> in <code>[metrics]</code>.</p>`;

/** Most rows of the table. */
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

function pipelines(plans: ServicePlans['plans'], counted: Totals): Html {
  const pictures = [...plans].flatMap(([name, { app }]) =>
    app === undefined
      ? []
      : html`<h3>${name}</h3>
${pipelinePicture(name, app, counted)}`,
  );
  return pictures.length === 0 ? html`<p>No API has a pipeline of a paste file.</p>` : html`${pictures}`;
}

/** `known`: the answer of `GET /services`, or the reason why it is not available. */
function services(known: ServicesDocument | string): Html {
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
  return table('On all hosts, from the registry', head, rows);
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
  return table('Expiry', ['API', 'ends', '#days left'], rows);
}

function reload(last: ReloadReport | undefined): Html {
  if (last === undefined) return html`<p>There was none.</p>`;
  const { outcome, at, durationMs, error, changes, replaced, cutOff = 0, added, removed } = last;
  const isGood = outcome === 'accepted';
  const rows = changes.map(
    ({ option, old, new: now, where, effect }) =>
      html`<tr><th scope="row">${option}</th><td class="long">${String(old)}</td><td class="long">${String(now)}</td><td>${where}</td><td>${effect}</td></tr>
`,
  );
  const done = [
    ...Object.entries(replaced).map(([name, count]) => `${name}: ${countText(count, 'worker')} replaced`),
    ...(cutOff > 0 ? [cutOffText(cutOff, 'drain_timeout')] : []),
    ...added.map((name) => `${name} added`),
    ...removed.map((name) => `${name} removed`),
  ];
  return html`<p><span class="${isGood ? 'good' : 'bad'}">${outcome}</span> after ${durationMs} ms, <time datetime="${at}">${at}</time>${done.length > 0 ? `: ${done.join(', ')}` : ''}</p>
${error === undefined ? undefined : html`<pre tabindex="0">${error}</pre>`}${rows.length > 0 ? table('What it changed', ['option', 'old', 'new', 'where', 'effect'], rows) : undefined}`;
}

/** Shows the settings; secrets are masked. */
function configuration(settings: readonly ShownOption[]): Html {
  const rows = settings.map(
    ({ group, opt, value, location }) =>
      html`<tr><th scope="row">[${group}] ${opt}</th><td class="long"><code>${value}</code></td><td class="long">${placeOf(location)}</td></tr>
`,
  );
  return html`<details><summary>${settings.length} options differ from their defaults</summary>
${table('Secrets are masked', ['option', 'value', 'set in'], rows)}</details>`;
}

/**
 * Fetches the page again every two seconds and replaces the parts that changed, so that the content is rendered in one
 * place. A part that has the focus, a selection, or was opened stays as it is meanwhile.
 */
const SCRIPT = `
const button = document.querySelector('#live');
const busy = (part) => part.contains(document.activeElement) || part.contains(getSelection()?.anchorNode ?? null) && !getSelection().isCollapsed;
let asking = false;
const update = async () => {
  if (asking) return;
  asking = true;
  const failed = document.querySelector('#failed');
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of document.querySelectorAll('[data-part]')) {
      const next = page.getElementById(part.id);
      if (next === null || busy(part) || next.innerHTML === part.innerHTML) continue;
      const open = part.querySelector('details[open]') !== null;
      part.replaceChildren(...document.importNode(next, true).childNodes);
      if (open) part.querySelector('details')?.setAttribute('open', '');
    }
    document.title = page.title;
    failed.textContent = '';
  } catch {
    failed.textContent = 'The service does not answer; what is shown is old.';
    document.title = document.title.replace(/:.*/, ': does not answer');
    const summary = document.querySelector('#summary');
    if (summary !== null) {
      summary.className = 'bad';
      summary.textContent = 'not known';
    }
  } finally {
    asking = false;
  }
};
let timer = setInterval(update, 2000);
button.hidden = false;
button.addEventListener('click', () => {
  const paused = timer === undefined;
  clearInterval(timer);
  timer = paused ? setInterval(update, 2000) : undefined;
  button.textContent = paused ? 'Pause' : 'Resume';
});
`;
