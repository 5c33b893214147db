/** healthcheck: reports to load balancers and orchestrators whether this service accepts traffic. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import {
  type App,
  appFactory,
  type Description,
  environ,
  type FactoryContext,
  Fault,
  filterFactory,
  requestPath,
} from '../app/index.js';
import {
  connectionAddress,
  isDraining,
  isRecordLost,
  preferredType,
  takesOwnSlot,
  writtenPath,
} from '../app/internal.js';
import type { OptionsOf } from '../config/index.js';
import { workerAssignment } from '../config/internal.js';
import { isInNetworks, networkList } from './addresses.js';
import { healthcheckOptions } from './health/healthcheck-plugins.js';
import { checkPlugins, loadPlugins, type NamedResult, PluginRunner } from './health/plugin-runner.js';
import type {} from './proxy-headers.js';

type Options = typeof healthcheckOptions;

/**
 * The health check as an app, to be mounted. Below the mount path, `/live` runs only the event_loop plugin; `/ready` and the mount path
 * itself run all plugins. Answers 200, or 204 to HEAD, if all are available, otherwise 503; 405 for other methods; 404 for clients
 * outside the allowed networks. A plugin that throws is unavailable, and does not cause a 500.
 */
export const healthcheck = appFactory(
  'healthcheck',
  healthcheckOptions,
  async (options, ctx): Promise<App> => {
    const answer = await healthcheckAnswer(options, ctx);
    // Probes do not wait for a slot: a worker with all slots in use is busy, not unhealthy.
    return takesOwnSlot((req, res) => {
      const url = req.url ?? '';
      const probe = probeOf(url.split('?', 1)[0]!, '') ?? probeOf(requestPath(req), options.path);
      if (probe === undefined) throw new Fault(404);
      return answer(req, res, probe);
    });
  },
  { trial: checkPlugins, describe },
);

function describe(options: OptionsOf<Options>, req?: IncomingMessage): Description {
  const ranges = options.allowedSourceRanges;
  const others = ranges.length === 0 ? '' : `; answers 404 to others than ${ranges.join(', ')}`;
  const [status, reason] = (req && refusal(req, options.ignoreProxiedRequests)) ?? [];
  if (status !== undefined) {
    const told = status === 404 ? '' : others;
    return { does: `answers ${status}, because ${reason}${told}`, answers: told === '' ? status : 'always' };
  }
  const good = req?.method === 'HEAD' ? 204 : 200;
  return {
    does: `answers the health check: ${good}, or 503 if a check fails${others}`,
    answers: 'always',
  };
}

function describeFilter(options: OptionsOf<Options>, req?: IncomingMessage): Description {
  const { path } = options;
  if (req === undefined) return { does: `answers the health check at ${path}`, answers: 'perhaps' };
  if (probeOf(requestPath(req), path) === undefined) return { does: `passes on requests to other paths than ${path}` };
  return describe(options, req);
}

/** The health check as a filter: answers at `path`, and passes on other requests. */
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
  { trial: checkPlugins, describe: describeFilter },
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
  const runner = new PluginRunner(await loadPlugins(options, ctx), options);

  return async (req, res, probe) => {
    if (!isAllowed(req)) throw new Fault(404);
    const [refused] = refusal(req, ignoreProxiedRequests) ?? [];
    if (refused !== undefined) throw new Fault(refused, refused === 405 ? { headers: { allow: 'GET, HEAD' } } : {});

    const asked = probe === 'live' ? (name: string) => name === 'event_loop' : () => true;
    const results: NamedResult[] = await runner.check(asked, {
      port: req.socket.localPort,
      recordLost: isRecordLost(req),
    });
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
  if (ignoresProxied && isProxied(req)) return [404, 'the request was forwarded'];
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

/** Reports whether a proxy forwarded the request. The outer filter proxy_headers may have removed the headers. */
function isProxied(req: IncomingMessage): boolean {
  if (environ(req).forwarded === true) return true;
  return Object.keys(req.headers).some((name) => name === 'forwarded' || name.startsWith('x-forwarded-'));
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
