/** healthcheck: reports to load balancers and orchestrators whether this service accepts traffic. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { type App, appFactory, type FactoryContext, Fault, filterFactory, requestPath } from '../app/index.js';
import {
  connectionAddress,
  exchangeOf,
  isDraining,
  isRecordLost,
  knowsTrials,
  optionOrigin,
  preferredType,
  takesOwnSlot,
  writtenPath,
} from '../app/internal.js';
import type { OptionsOf } from '../config/index.js';
import { workerAssignment } from '../config/internal.js';
import { ConfigurationRefused, errorText, type PorticoError, Refusals, refusalAt } from '../errors/index.js';
import { Drivers } from '../service/internal.js';
import { systemClock, within } from '../tasks/internal.js';
import { isInNetworks, networkList } from './addresses.js';
import { isForwarded } from './headers.js';
import {
  type AskedAt,
  type HealthcheckPlugin,
  healthcheckOptions,
  type PluginResult,
  SHIPPED_PLUGINS,
} from './health/healthcheck-plugins.js';

type Settings = OptionsOf<typeof healthcheckOptions>;

/** Codes of a plugin that exists but fails to start. Others are errors in the configuration. */
const FAILED: ReadonlySet<string | undefined> = new Set(['PORTICO_DRIVER_OPEN', 'PORTICO_DRIVER_FAILED']);

/** Creates the plugins, which are closed with the section. Throws ConfigurationRefused if a plugin cannot be found. */
async function loadPlugins(options: Settings, ctx: FactoryContext): Promise<Map<string, HealthcheckPlugin>> {
  const { backends } = options;
  const drivers = driversOf(ctx);
  ctx.onClose(() => drivers.close());
  await findAll(drivers, backends, ctx);
  const plugins = new Map<string, HealthcheckPlugin>();
  for (const name of plugged(backends)) {
    const made = { required: ['check'], args: [options, ctx.log] };
    plugins.set(name, await placed(ctx, () => drivers.load<HealthcheckPlugin>(name, made)));
  }
  return plugins;
}

/** Checks for the errors that {@link loadPlugins} would throw. Does not create plugins. */
async function checkPlugins({ backends }: Settings, ctx: FactoryContext): Promise<void> {
  await findAll(driversOf(ctx), backends, ctx);
}

/** Imports the plugins without creating them. Reports all errors together. */
async function findAll(drivers: Drivers, backends: readonly string[], ctx: FactoryContext): Promise<void> {
  const refusals = new Refusals();
  await refusals.gather(() => checkBackends(backends, ctx));
  for (const name of plugged(backends)) {
    await refusals.gather(() => placed(ctx, () => drivers.find(name)));
  }
  refusals.refuse();
}

function driversOf(ctx: FactoryContext): Drivers {
  return new Drivers({ folder: dirname(ctx.section.origin.file), builtin: SHIPPED_PLUGINS, log: ctx.log });
}

/** Returns the names of plugins. `draining` is built into the health check. */
function plugged(backends: readonly string[]): string[] {
  return backends.filter((name) => name !== 'draining');
}

/** Refuses backends that enable and disable the service by files at the same time. */
function checkBackends(backends: readonly string[], ctx: FactoryContext): void {
  if (!backends.includes('enable_by_files')) return;
  const other = backends.find((name) => name === 'disable_by_file' || name === 'disable_by_files_ports');
  if (other === undefined) return;
  throw new ConfigurationRefused('PORTICO_HEALTHCHECK_BACKENDS', {
    message: `enable_by_files and ${other} are mutually exclusive`,
    hint: 'Keep one of the two in backends.',
    origin: optionOrigin(ctx, 'healthcheck', 'backends'),
  });
}

/** Reports a plugin that cannot be found at the option that names it. */
async function placed<T>(ctx: FactoryContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const hasFailed = FAILED.has((error as Partial<PorticoError>).code);
    throw hasFailed ? error : refusalAt(error, optionOrigin(ctx, 'healthcheck', 'backends'));
  }
}

/** The result of a plugin, with its name. */
interface NamedResult extends PluginResult {
  readonly plugin: string;
}

/** Time for which a result is cached, in milliseconds: load balancers ask each worker several times a second. */
const CACHE_MS = 1000;
/** Time limit of a plugin, in milliseconds: most probes wait longer for a response. */
const TIMEOUT_MS = 2000;

/** Runs plugins and caches their results, so that frequent probes share one check. */
class PluginRunner {
  readonly #plugins: ReadonlyMap<string, HealthcheckPlugin>;
  readonly #answered = new Map<string, { readonly at: number; readonly result: Promise<PluginResult> }>();

  constructor(plugins: ReadonlyMap<string, HealthcheckPlugin>) {
    this.#plugins = plugins;
  }

  /** Returns the results of the plugins that `isAsked` selects, in their order. Never rejects. */
  async check(isAsked: (name: string) => boolean, at: AskedAt): Promise<NamedResult[]> {
    const asked = [...this.#plugins].filter(([name]) => isAsked(name));
    return Promise.all(
      asked.map(async ([name, plugin]) => ({ plugin: plugin.name ?? name, ...(await this.#ask(name, plugin, at)) })),
    );
  }

  #ask(name: string, plugin: HealthcheckPlugin, at: AskedAt): Promise<PluginResult> {
    const key = `${name} ${at.port}`;
    const last = this.#answered.get(key);
    const now = systemClock.now();
    if (last !== undefined && now - last.at < CACHE_MS) return last.result;
    const result = this.#limited(plugin, at);
    this.#answered.set(key, { at: Number.POSITIVE_INFINITY, result });
    // The cache time begins with the result. Until then all requests share this check.
    void result.then(() => this.#answered.set(key, { at: systemClock.now(), result }));
    return result;
  }

  async #limited(plugin: HealthcheckPlugin, at: AskedAt): Promise<PluginResult> {
    const over = new AbortController();
    try {
      const asked = Promise.resolve(plugin.check({ ...at, signal: over.signal }));
      return await within(asked, { ms: TIMEOUT_MS }, () => {
        over.abort();
        return { available: false, reason: 'TIMEOUT', details: `no response within ${TIMEOUT_MS} ms` };
      });
    } catch (error) {
      return { available: false, reason: 'CHECK FAILED', details: errorText(error) };
    }
  }
}

type Options = typeof healthcheckOptions;

/**
 * The health check as an app, to be mounted. Below the mount path, `/live` runs only the event_loop plugin; `/ready` and the mount path
 * itself run all plugins. Responds with 200, or 204 to HEAD, if all are available, otherwise 503; 405 for other methods; 404 for clients
 * outside the allowed networks. A plugin that throws is unavailable, and does not cause a 500.
 */
export const healthcheck = appFactory(
  'healthcheck',
  healthcheckOptions,
  async (options, ctx): Promise<App> => {
    const answer = await healthcheckAnswer(options, ctx);
    // Probes are not subject to the concurrency limit: a worker that has reached it is busy, not unhealthy.
    return takesOwnSlot(
      knowsTrials((req, res) => {
        const url = req.url ?? '';
        const probe = probeOf(url.split('?', 1)[0]!, '') ?? probeOf(requestPath(req), options.path);
        if (probe === undefined) throw new Fault(404);
        return answer(req, res, probe);
      }),
    );
  },
  { trial: checkPlugins },
);

/** The health check as a filter: responds at `path`, and passes on other requests. */
export const healthcheckFilter = filterFactory(
  'healthcheck',
  healthcheckOptions,
  async (options, ctx) => {
    const answer = await healthcheckAnswer(options, ctx);
    return (app) => (req, res) => {
      const probe = probeOf(requestPath(req), options.path);
      return probe === undefined ? app(req, res) : answer(req, res, probe);
    };
  },
  { trial: checkPlugins },
);

type Probe = 'live' | 'ready';

function probeOf(path: string, mount: string): Probe | undefined {
  const base = writtenPath(mount).replace(/\/$/, '');
  if (!path.startsWith(base)) return undefined;
  const rest = path.slice(base.length);
  if (rest === '' || rest === '/' || rest === '/ready') return 'ready';
  return rest === '/live' ? 'live' : undefined;
}

type Answer = (req: IncomingMessage, res: ServerResponse, probe: Probe) => Promise<void>;

async function healthcheckAnswer(options: OptionsOf<Options>, ctx: FactoryContext): Promise<Answer> {
  const { allowedSourceRanges, ignoreProxiedRequests, detailed } = options;
  const isAllowed = addressCheck(allowedSourceRanges);
  const runner = new PluginRunner(await loadPlugins(options, ctx));

  return async (req, res, probe) => {
    if (!isAllowed(req)) throw new Fault(404);
    const [refused] = refusal(req, ignoreProxiedRequests) ?? [];
    if (refused !== undefined) throw new Fault(refused, refused === 405 ? { headers: { allow: 'GET, HEAD' } } : {});

    const asked = probe === 'live' ? (name: string) => name === 'event_loop' : () => true;
    const { trial } = exchangeOf(req);
    trial?.would('run its checks, and respond with 503 if one fails');
    const at = { port: req.socket.localPort, recordLost: isRecordLost(req) };
    const results: NamedResult[] = trial === undefined ? await runner.check(asked, at) : [];
    if (probe === 'ready' && isDraining(req))
      results.push({ plugin: 'draining', available: false, reason: 'DRAINING' });
    const available = results.every((result) => result.available);
    const type = preferredType(req, REPORT_TYPES) ?? 'text/plain';

    res.setHeader('cache-control', 'no-store');
    res.statusCode = available ? (req.method === 'HEAD' ? 204 : 200) : 503;
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    const body = writeReport(type, results, detailed);
    res.setHeader('content-type', type === 'application/json' ? type : `${type}; charset=utf-8`);
    res.setHeader('content-length', Buffer.byteLength(body));
    res.end(body);
  };
}

/** Returns the status for a request that is refused wherever it comes from, and the reason. */
function refusal(req: IncomingMessage, ignoresProxied: boolean): readonly [404 | 405, string] | undefined {
  if (ignoresProxied && isForwarded(exchangeOf(req))) return [404, 'the request was forwarded'];
  if (req.method === 'GET' || req.method === 'HEAD') return undefined;
  return [405, 'the health check accepts only GET and HEAD'];
}

/** Checks the address of the connection, because any client can forge a forwarded address. */
function addressCheck(ranges: readonly string[]): (req: IncomingMessage) => boolean {
  const allowed = networkList(ranges);
  return (req) => {
    const address = connectionAddress(req);
    return ranges.length === 0 || address === 'unix' || isInNetworks(allowed, address);
  };
}

/** The media types of a report. The first is the default. */
const REPORT_TYPES = ['text/plain', 'application/json', 'text/html'] as const;

/** Returns the body of a report. */
function writeReport(type: string | undefined, results: readonly NamedResult[], detailed: boolean): string {
  const reasons = results.length === 0 ? ['OK'] : results.map(({ reason }) => reason);
  if (type === 'application/json') {
    if (!detailed) return JSON.stringify({ detailed, reasons });
    const told = results.map(({ plugin, reason, details }) => ({ class: plugin, reason, details: details ?? '' }));
    return JSON.stringify({ detailed, reasons: told, ...processFacts() });
  }
  const suffix = ({ details }: NamedResult): string => (details === undefined ? '' : ` (${details})`);
  const found = results.map((one) => `${one.plugin}: ${one.reason}${suffix(one)}`);
  const lines = detailed
    ? [...found, ...Object.entries(processFacts()).map(([name, value]) => `${name}: ${value}`)]
    : reasons;
  if (type !== 'text/html') return lines.join('\n');
  const items = lines.map((line) => `<li>${escaped(line)}</li>`).join('');
  return `<!doctype html><html><head><title>Healthcheck Status</title></head><body><ul>${items}</ul></body></html>`;
}

function processFacts(): Record<string, string | number> {
  const { utilization } = performance.eventLoopUtilization();
  return {
    hostname: hostname(),
    now: new Date().toISOString(),
    node_version: process.version,
    platform: `${process.platform} ${process.arch}`,
    uptime_s: Math.round(process.uptime()),
    heap_used: process.memoryUsage().heapUsed,
    event_loop_utilization: Number(utilization.toFixed(3)),
    active_handles: process.getActiveResourcesInfo().length,
    worker_id: workerAssignment()?.index ?? 0,
    pid: process.pid,
  };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
