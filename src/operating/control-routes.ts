/**
 * Responses of a running launcher to its operator: one table of routes for all servers. A response uses the knowledge of
 * this process; it waits for a worker only if the worker has to do something.
 */
import { byGroup, differencesFromDefaults, type ShownOption, showOptions } from '../config/internal.js';
import { nearestOrAll } from '../errors/index.js';
import { LOG_LEVELS, type LogLevel } from '../log/index.js';
import { mostWorkers } from '../process/index.js';
import { within } from '../tasks/internal.js';
import { adminOptions } from './control/admin-guard.js';
import {
  ControlAnswer,
  type ControlHandler,
  ControlRefused,
  type ControlRequest,
  type ControlRoutes,
} from './control/control-server.js';
import type { Controlled, Fleet, PlannedApp } from './control/controlled.js';
import { extensionParts } from './control/extension-parts.js';
import { metricsAnswer } from './control/metrics-text.js';
import { type RegisteredServices, serviceRoutes } from './control/registered-services.js';
import { type Readiness, readinessOf, requestsOf, statusDocument } from './control/status-document.js';
import { DESCRIBE_TOPIC, OPTIONS_TOPIC, STATE_TOPIC } from './questions.js';
import type { ReloadReport, ServiceStatus, WorkerStatus } from './status.js';

export function controlRoutes(controlled: Controlled, registered: RegisteredServices): ControlRoutes {
  const { runner } = controlled;
  const fleet = (): Fleet => runner.fleet ?? refuseAlone();
  const serving = (what: string): Fleet => (controlled.status().stopping ? refuseStopping(what) : fleet());
  return {
    // Others ask for the state of a service, and must not wait for parts of extensions.
    'GET /status': async ({ query }) => ({
      ...statusDocument(controlled),
      ...(query.has('extensions') && { extensions: await extensionParts(controlled) }),
    }),
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
    'GET /pipelines': pipelinesOf(controlled),
    'GET /metrics': () => metricsAnswer(controlled, registered),
    ...docsRoutes(controlled),
    ...serviceRoutes(() => registered.registry()),
    'GET /config': async ({ query }) => ({
      schema: 'portico/config',
      version: 1,
      // A parent of an older version has only the differences, also for `all`.
      complete: query.has('all'),
      ...(query.has('all') ? await allOptions(controlled) : { options: differencesFromDefaults(controlled.config) }),
    }),
    'POST /reload': async () => reported(await controlled.reload()),
    // A separate path: a parent that does not know dry runs must not take one for a reload.
    'POST /reload/dry-run': async () => reported(await controlled.dryRun()),
    'POST /stop': () => {
      controlled.stop();
      return { stopping: true };
    },
    'POST /scale': async ({ body }) => {
      const { name, wanted, addresses } = serviceNamed(controlled, body.service);
      const pools = serving('it starts and ends no workers on demand');
      const workers = workersOf(body.workers, addresses.length > 0 ? 1 : 0, mostWorkers());
      controlled.log.notice({ service: name, workers }, `Service ${name}: ${wanted} -> ${workers} workers`);
      await pools.scale(name, workers);
      return { service: name, workers };
    },
    'POST /restart': async ({ body }) => {
      const { name } = serviceNamed(controlled, body.service);
      const pools = serving('it replaces no workers');
      controlled.log.notice({ service: name }, `Service ${name}: replacing its workers`);
      const { replaced, failures } = await pools.restart(name);
      // The workers start with the configuration in force, which lacks these changes.
      const left = controlled.status().left.map(({ option }) => option);
      const isOthers = (option: string): boolean => (/^(?:api|service):([^.]+)\./.exec(option)?.[1] ?? name) !== name;
      return { service: name, replaced, failures, left: left.filter((option) => !isOthers(option)) };
    },
    'POST /log-level': ({ body }) => setLogLevel(controlled, body),
    'POST /report': async ({ body }) => {
      if (body.worker === undefined) return controlled.report();
      const { id, pid } = workerNamed(controlled, body.worker);
      const text = pid === undefined ? undefined : await fleet().reportOf(pid);
      return text ?? refuse('PORTICO_NO_SUCH_WORKER', `worker ${id} is not ready`);
    },
  };
}

/**
 * Routes that only the control socket has beside {@link controlRoutes}. A state has digests of secrets with a key of the asker, who could guess
 * at them elsewhere.
 */
export function socketRoutes(controlled: Controlled): ControlRoutes {
  return { 'POST /state': ({ body }) => statesOf(controlled, body.key) };
}

/** Routes that every machine may reach: without the reasons of readiness, which name requests, files and workers. */
export function probeRoutes(controlled: Controlled, registered: RegisteredServices): ControlRoutes {
  const readiness = (): Readiness[] => readinessOf(controlled.status()).map((service) => ({ ...service, reasons: [] }));
  return {
    'GET /healthz': () => 'ok\n',
    'GET /readyz': () => readyAnswer(readiness()),
    'GET /metrics': () => metricsAnswer(controlled, registered),
  };
}

/** Milliseconds that a worker has to list its options: a command waits 5 s for the response. */
const OPTIONS_MS = 2000;

/**
 * Returns the options of the parent, and those that only workers know, because they import the application; and the services whose workers
 * have not listed theirs.
 */
async function allOptions({ config, runner, status }: Controlled): Promise<{
  readonly options: readonly ShownOption[];
  readonly unanswered: readonly { readonly service: string; readonly reason: string }[];
}> {
  const options = new Map<string, ShownOption>();
  const add = (found: readonly ShownOption[]): void => {
    for (const each of found) options.set(`${each.group}.${each.opt}`, each);
  };
  const unanswered: { service: string; reason: string }[] = [];
  const { services } = status();
  const isFleet = runner.fleet !== undefined;
  // A process without workers lists those of all its services at once.
  const asked = (isFleet ? services : services.slice(0, 1)).map(async ({ name }) => {
    const described = runner.describe(name, OPTIONS_TOPIC, undefined);
    const answer = await within(described, { ms: OPTIONS_MS, unref: true });
    if (answer?.body !== undefined) add(answer.body as readonly ShownOption[]);
    else {
      const reason = answer?.error ?? (isFleet ? 'no worker of it responds' : 'it does not respond in time');
      unanswered.push(...(isFleet ? [{ name }] : services).map(({ name: service }) => ({ service, reason })));
    }
  });
  await Promise.all(asked);
  add(showOptions(config));
  return { options: byGroup([...options.values()]), unanswered };
}

/** Returns the apps of the services as written in their paste files. */
function pipelinesOf({ planned: plan, runner }: Controlled): ControlHandler {
  let planned: { readonly generation: number; readonly services: readonly PlannedApp[] } | undefined;
  return () => {
    const { generation } = runner;
    // Reads files and certificates: done once for each configuration, however often it is asked for.
    if (planned?.generation !== generation) planned = { generation, services: plan() };
    return { schema: 'portico/pipelines', version: 1, services: planned.services };
  };
}

/**
 * Routes for descriptions of APIs. A worker makes the descriptions: the routes are in the application, which the parent
 * does not import.
 */
function docsRoutes(controlled: Controlled): ControlRoutes {
  const documentOf = async (service = ''): Promise<unknown> => {
    if (!controlled.config.group('admin', adminOptions).docs) {
      refuse('PORTICO_DOCS_OFF', 'API documentation is disabled', 404, 'Set docs = true in [admin].');
    }
    const known = controlled.status().services.map(({ name }) => name);
    if (!known.includes(service)) {
      const hint = nearestOrAll(service, known);
      refuse('PORTICO_NO_SUCH_SERVICE', `there is no service ${JSON.stringify(service)}`, 404, hint);
    }
    return told(controlled, service, DESCRIBE_TOPIC, service);
  };
  return {
    'GET /docs/:service/openapi.json': ({ params: { service } }) => documentOf(service),
  };
}

/** Returns the state of each service, from a worker: it has the code that is running. */
async function statesOf(controlled: Controlled, key: unknown): Promise<object> {
  const { services } = controlled.status();
  const states = await Promise.all(
    services.map(({ name: service }) => told(controlled, service, STATE_TOPIC, { service, key: String(key) })),
  );
  return { schema: 'portico/states', version: 1, states };
}

/** Returns the response of a process of a service. */
async function told({ runner }: Controlled, service: string, topic: string, question: unknown): Promise<unknown> {
  const answer = await runner.describe(service, topic, question);
  if (answer?.body !== undefined) return answer.body;
  const why = answer?.error ?? (runner.fleet === undefined ? 'it has no workers' : 'none of its workers is ready');
  return refuse('PORTICO_NOT_DESCRIBED', `${service} cannot be described: ${why}`, 503);
}

/** Responds with 503 unless all services are ready. */
function readyAnswer(services: readonly Readiness[]): ControlAnswer {
  const ready = services.length > 0 && services.every(({ state }) => state === 'ready');
  return new ControlAnswer(ready ? 200 : 503, { schema: 'portico/readiness', version: 1, ready, services });
}

/** Returns the report; throws if the service is stopping. */
function reported(report: ReloadReport | undefined): ReloadReport {
  return report ?? refuseStopping('it does not reload any more');
}

function refuseStopping(what: string): never {
  return refuse('PORTICO_STOPPING', `the service is stopping: ${what}`, 409);
}

async function setLogLevel(controlled: Controlled, { level, service }: ControlRequest['body']): Promise<object> {
  const { log, runner } = controlled;
  if (!isLogLevel(level)) {
    const levels = LOG_LEVELS.join(', ');
    return refuse('PORTICO_LOG_LEVEL', `there is no level ${JSON.stringify(level)}: one of ${levels}`, 400);
  }
  const name = service === undefined ? undefined : serviceNamed(controlled, service).name;
  log.notice({ service: name, to: level }, `Log level: ${level}`);
  controlled.levels.set(level, runner.fleet && name);
  const answers = (await runner.fleet?.setLogLevel(level, name)) ?? [];
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

/** Finds a worker by pid, or by its number if only one service runs. */
function workerNamed({ status }: Controlled, named: unknown): WorkerStatus {
  const { services } = status();
  const workers = services.flatMap((service) => service.workers);
  const found =
    workers.find(({ pid }) => pid === named) ??
    (services.length === 1 ? workers.find(({ id }) => id === named) : undefined);
  const pids = workers.map(({ pid }) => pid).join(', ');
  return found ?? refuse('PORTICO_NO_SUCH_WORKER', `there is no worker ${JSON.stringify(named)}; their pids: ${pids}`);
}

function workersOf(workers: unknown, least: number, most: number): number {
  if (!Number.isInteger(workers) || (workers as number) < least) {
    const hint =
      'Without workers, clients of its port would wait for ever. To end a service, take it out of the configuration and reload.';
    refuse(
      'PORTICO_INVALID_WORKERS',
      `workers is ${JSON.stringify(workers)}, not a whole number from ${least}`,
      400,
      hint,
    );
  }
  if ((workers as number) <= most) return workers as number;
  const message = `${String(workers)} workers exceed ${most}, one for each 64 MiB of memory`;
  return refuse('PORTICO_INVALID_WORKERS', message, 400, 'Use fewer workers.');
}

function refuseAlone(): never {
  const hint = 'For workers, remove workers = 0 from [DEFAULT] and restart it, or start more of these processes.';
  return refuse('PORTICO_NO_WORKERS', 'this process runs its services itself and has no workers', 409, hint);
}

function refuse(code: string, message: string, status = 404, hint?: string): never {
  throw new ControlRefused(status, code, { message, hint });
}
