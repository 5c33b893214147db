/**
 * What a running launcher answers its operator: one table of routes, whichever server they are reached by. Every answer comes
 * from what this process knows; a worker is waited for only where it has to do something.
 */
import { type Config, differencesFromDefaults, type ShownOption } from '../../config/index.js';
import { describeError, placeOf } from '../../errors/index.js';
import { LOG_LEVELS, type Logger, type LogLevel } from '../../log/index.js';
import { metricsOptions, type Totals } from '../../metrics/index.js';
import type { RegistryHooks } from '../../registry/index.js';
import type { ServiceBase } from '../../service/index.js';
import type { LauncherStatus, ServiceStatus, WorkerStatus } from '../launcher-status.js';
import type { History } from '../page/history.js';
import type { ShownRequest } from '../page/status-page.js';
import type { ReloadReport } from '../reload/reload-report.js';
import { type ServicePlans, servicePlans } from '../reload/service-plans.js';
import type { Answer } from '../report/questions.js';
import {
  ControlAnswer,
  ControlRefused,
  type ControlRequest,
  type ControlRoutes,
  pageAnswer,
} from './control-server.js';
import { docsRoutes, hasDocs } from './docs-routes.js';
import { metricsText } from './metrics-text.js';
import { type Readiness, readinessOf } from './readiness.js';
import type { RegisteredServices } from './registered-services.js';
import { serviceRoutes, servicesDocument } from './service-routes.js';
import { statusDocument } from './status-document.js';

/** What the routes need of a launcher. */
export interface Controlled {
  /** The program. */
  readonly name: string;
  readonly version: string | undefined;
  readonly config: Config | undefined;
  readonly log: Logger;
  status(): LauncherStatus;
  /** Reloads, by what came of them. */
  reloaded(): Readonly<Record<string, number>>;
  /** What SIGHUP does. Undefined: a stop is under way. */
  reload(): Promise<ReloadReport | undefined>;
  /** What a reload would do. Undefined: a stop is under way. */
  dryRun(): Promise<ReloadReport | undefined>;
  stop(): void;
  /** The report of this process, that of its workers included. */
  report(): Promise<string>;
  readonly runner: {
    readonly generation: number;
    /** What all that serves has counted. */
    counted(): Totals;
    readonly launched: readonly ServiceBase[];
    readonly fleet?: Fleet | undefined;
  };
  /** What the charts of the status page show. */
  readonly history: History | undefined;
  readonly registered: RegisteredServices;
  readonly registryHooks: RegistryHooks;
}

/** What can be done with workers. */
interface Fleet {
  scale(service: string, workers: number): Promise<void>;
  /** Replaces all workers, with the configuration in force. */
  restart(service: string): Promise<{ readonly replaced: number; readonly failures: readonly string[] }>;
  reportOf(pid: number): Promise<string | undefined>;
  setLogLevel(level: LogLevel, service: string | undefined): Promise<readonly Answer[]>;
  /** The OpenAPI document of a service, made by one of its workers. Undefined: none serves. */
  describe(service: string): Promise<Answer | undefined>;
}

/** So many requests are listed, the oldest first. */
const MOST_REQUESTS = 200;

export function controlRoutes(controlled: Controlled): ControlRoutes {
  const fleet = (): Fleet => controlled.runner.fleet ?? refuseAlone();
  let planned: { readonly generation: number; readonly apps: ServicePlans['apps'] } | undefined;
  // Reads files and certificates: once for each configuration, however often the page is loaded.
  const apps = (): ServicePlans['apps'] => {
    const { generation } = controlled.runner;
    if (planned?.generation !== generation) {
      planned = { generation, apps: servicePlans(controlled.runner.launched, controlled.config).apps };
    }
    return planned.apps;
  };
  return {
    'GET /': () => page(controlled, apps()),
    'GET /status': () => statusDocument(controlled),
    'GET /requests': () => ({
      schema: 'portico/requests',
      version: 1,
      requests: requestsOf(controlled.status().services),
    }),
    'GET /healthz': () => 'ok\n',
    'GET /readyz': () => readyAnswer(readinessOf(controlled.status())),
    'GET /readyz/:service': ({ params }) => {
      const { name } = serviceNamed(controlled, params.service);
      return readyAnswer(readinessOf(controlled.status()).filter((service) => service.name === name));
    },
    'GET /metrics': () => metrics(controlled),
    ...docsRoutes(controlled),
    ...serviceRoutes(() => controlled.registered.registry),
    'GET /config': () => ({ schema: 'portico/config', version: 1, options: optionsOf(controlled.config) }),
    'POST /reload': async () => reported(await controlled.reload()),
    // A path of its own: a parent that does not know dry runs must not take one for a reload.
    'POST /reload/dry-run': async () => reported(await controlled.dryRun()),
    'POST /stop': () => {
      controlled.stop();
      return { stopping: true };
    },
    'POST /scale': async ({ body }) => {
      const { name, wanted } = serviceNamed(controlled, body.service);
      const workers = workersOf(body.workers);
      const pools = fleet();
      controlled.log.notice(`Service ${name}: ${wanted} -> ${workers} workers`, { service: name, workers });
      await pools.scale(name, workers);
      return { service: name, workers };
    },
    'POST /restart': async ({ body }) => {
      const { name } = serviceNamed(controlled, body.service);
      const pools = fleet();
      controlled.log.notice(`Service ${name}: replacing its workers`, { service: name });
      const { replaced, failures } = await pools.restart(name);
      return { service: name, replaced, failures };
    },
    'POST /log-level': ({ body }) => setLogLevel(controlled, body),
    'POST /report': async ({ body }) => {
      if (body.worker === undefined) return controlled.report();
      const { id, pid } = workerNamed(controlled, body.worker);
      const text = pid === undefined ? undefined : await fleet().reportOf(pid);
      return text ?? refuse('PORTICO_NO_SUCH_WORKER', `worker ${id} does not serve`);
    },
  };
}

async function metrics({ config, log, status, runner, reloaded, registered }: Controlled): Promise<ControlAnswer> {
  if (!isCounted(config)) {
    const hint = 'Set enabled = true in [metrics].';
    throw new ControlRefused(404, 'PORTICO_METRICS_OFF', { message: 'nothing is counted', hint });
  }
  const { services, generation } = status();
  const known = {
    services,
    generation,
    totals: runner.counted(),
    reloads: reloaded(),
    logLinesLost: log.lost?.() ?? 0,
    registered: await registered.up(),
  };
  const { type, text } = await metricsText(known);
  return new ControlAnswer(200, text, { 'content-type': type });
}

function isCounted(config: Config | undefined): boolean {
  return config?.group('metrics', metricsOptions).enabled === true;
}

/** Loaded when it is first asked for. */
async function page(
  { name, version, config, status, runner, history, registered }: Controlled,
  apps: ServicePlans['apps'],
): Promise<ControlAnswer> {
  const { stagesOf, statusPage } = await import('../page/index.js');
  const listed = await registered.ask(servicesDocument).catch((error: unknown) => describeError(error));
  const known = status();
  const shown = statusPage({
    name,
    version,
    status: known,
    readiness: readinessOf(known),
    requests: requestsOf(known.services),
    settings: optionsOf(config).map(({ group, opt, value, location }) => ({
      name: `[${group}] ${opt}`,
      value,
      where: placeOf(location),
    })),
    pipelines: stagesOf(apps, runner.counted()),
    history: isCounted(config) ? history?.stretches : undefined,
    docs: hasDocs(config),
    registered: listed,
  });
  return pageAnswer(shown);
}

/** 503 unless all of them are ready. */
function readyAnswer(services: readonly Readiness[]): ControlAnswer {
  const ready = services.length > 0 && services.every(({ state }) => state === 'ready');
  return new ControlAnswer(ready ? 200 : 503, { schema: 'portico/readiness', version: 1, ready, services });
}

/** The requests under way of all workers, as each last told them. */
function requestsOf(services: readonly ServiceStatus[]): readonly ShownRequest[] {
  const all = services.flatMap(({ name, workers }) =>
    workers.flatMap(({ id, pid, silentMs, facts }) => {
      const requests = Array.isArray(facts.requests) ? (facts.requests as { readonly ageMs: number }[]) : [];
      return requests.map(({ ageMs, ...request }) => ({
        ageMs: Math.round(ageMs + silentMs),
        ...request,
        service: name,
        worker: id,
        pid,
      }));
    }),
  );
  return all.sort((a, b) => b.ageMs - a.ageMs).slice(0, MOST_REQUESTS);
}

function optionsOf(config: Config | undefined): readonly ShownOption[] {
  return config === undefined ? [] : differencesFromDefaults(config);
}

/** The report; refused once the service is being stopped. */
function reported(report: ReloadReport | undefined): ReloadReport {
  return report ?? refuse('PORTICO_STOPPING', 'the service is being stopped: nothing is reloaded any more', 409);
}

async function setLogLevel(controlled: Controlled, { level, service }: ControlRequest['body']): Promise<object> {
  const {
    log,
    runner: { fleet },
  } = controlled;
  if (!isLogLevel(level)) {
    return refuse(
      'PORTICO_LOG_LEVEL',
      `there is no level ${JSON.stringify(level)}: one of ${LOG_LEVELS.join(', ')}`,
      400,
    );
  }
  const name = service === undefined ? undefined : serviceNamed(controlled, service).name;
  log.notice(`Log level: ${level}`, { service: name, level });
  if (name === undefined || fleet === undefined) log.level = level;
  const answers = (await fleet?.setLogLevel(level, name)) ?? [];
  return { level, service: name, workers: answers };
}

function isLogLevel(level: unknown): level is LogLevel {
  return LOG_LEVELS.some((each) => each === level);
}

function serviceNamed({ status }: Controlled, name: unknown): ServiceStatus {
  const { services } = status();
  const found = services.find((service) => service.name === name);
  if (found !== undefined) return found;
  const names = services.map((service) => service.name).join(', ');
  return refuse('PORTICO_NO_SUCH_SERVICE', `there is no service ${JSON.stringify(name)}; there are: ${names}`);
}

/** By pid, or by its number where one service alone runs. */
function workerNamed({ status }: Controlled, named: unknown): WorkerStatus {
  const { services } = status();
  const workers = services.flatMap((service) => service.workers);
  const found =
    workers.find(({ pid }) => pid === named) ??
    (services.length === 1 ? workers.find(({ id }) => id === named) : undefined);
  const pids = workers.map(({ pid }) => pid).join(', ');
  return found ?? refuse('PORTICO_NO_SUCH_WORKER', `there is no worker ${JSON.stringify(named)}; their pids: ${pids}`);
}

function workersOf(workers: unknown): number {
  if (Number.isInteger(workers) && (workers as number) >= 0) return workers as number;
  return refuse('PORTICO_INVALID_WORKERS', `workers is ${JSON.stringify(workers)}, not a whole number from 0`, 400);
}

function refuseAlone(): never {
  return refuse('PORTICO_NO_WORKERS', 'this process runs its services by itself: it has no workers', 409);
}

function refuse(code: string, message: string, status = 404): never {
  throw new ControlRefused(status, code, { message });
}
