/**
 * The use of servers in a period: hours, and hours multiplied by size. Deleted servers do not count, because the store does not keep
 * them.
 */
import { clientTime, collectionPage, isoMicros } from 'portico/openstack';
import { type ActionRequest, action } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server } from '../records.js';
import { Controller, callerOf, refuse, requireAdmin } from './api.js';
import { query, strict } from './schemas.js';
import { existing } from './servers/transitions.js';

const page = query('start', 'end', 'detailed', 'limit', 'marker');
const listQuery = { '2.1': query('start', 'end', 'detailed'), '2.40': page, '2.75': strict(page) } as const;
const onePage = query('start', 'end', 'limit', 'marker');
const oneQuery = { '2.1': query('start', 'end'), '2.40': onePage, '2.75': strict(onePage) } as const;

/** Milliseconds since 1970. */
interface Period {
  readonly start: number;
  readonly end: number;
}

export class Usages extends Controller {
  readonly index = action({ query: listQuery }, (request) => {
    requireAdmin(request, 'os-simple-tenant-usage:list');
    const period = periodOf(request);
    const { servers, links } = this.#page(request, 'tenant_usages', () => this.cloud.servers.list());
    const isDetailed = request.queryValue('detailed') === '1';
    const projects = [...new Set(servers.map(({ project_id }) => project_id))];
    const usages = projects.map((project) => {
      const own = servers.filter(({ project_id }) => project_id === project);
      const { server_usages, ...sums } = projectUsage(project, own, period);
      return isDetailed ? { ...sums, server_usages } : sums;
    });
    return { tenant_usages: usages, ...links };
  });

  /** The usage of a project without servers is empty. */
  readonly show = action({ query: oneQuery }, (request, { id }) => {
    const project = String(id);
    if (callerOf(request).projectId !== project) requireAdmin(request, 'os-simple-tenant-usage:show');
    const period = periodOf(request);
    const { servers, links } = this.#page(request, 'tenant_usage', () => this.cloud.servers.listOf(project));
    return { tenant_usage: servers.length === 0 ? {} : projectUsage(project, servers, period), ...links };
  });

  /** Returns the servers that have been active; from 2.40 on one page of them, with links. */
  #page(request: ActionRequest, name: string, list: () => Stored<Server>[]) {
    const launched = existing(this.cloud.read(list)).filter(({ launchedAt }) => launchedAt !== null);
    if (!request.apiVersion.atLeast('2.40')) return { servers: launched, links: {} };
    const page = collectionPage(request, name, launched, { maxLimit: this.settings.maxLimit });
    const { [name]: servers, ...links } = page;
    return { servers: servers as Stored<Server>[], links };
  }
}

/**
 * Reads the period from `start` and `end`, which default to now. Throws 400 unless `start` is before `end`, so a request needs at least
 * a `start` in the past or an `end` in the future. The period ends now at the latest.
 */
function periodOf(request: ActionRequest): Period {
  const now = Date.now();
  const [start, end] = [timeOf(request, 'start') ?? now, timeOf(request, 'end') ?? now];
  if (start >= end) refuse(400, 'Invalid start time. The start time cannot occur after the end time.');
  return { start, end: Math.min(end, now) };
}

function timeOf(request: ActionRequest, parameter: 'start' | 'end'): number | undefined {
  const text = request.queryValue(parameter);
  return text === undefined || text === '' ? undefined : clientTime(text.replace(' ', 'T'));
}

function projectUsage(tenant_id: string, servers: readonly Server[], period: Period) {
  const server_usages = servers.map((server) => serverUsage(server, period));
  const sum = (value: (usage: (typeof server_usages)[number]) => number): number =>
    server_usages.reduce((total, usage) => total + value(usage), 0);
  return {
    tenant_id,
    server_usages,
    total_local_gb_usage: sum(({ local_gb, hours }) => local_gb * hours),
    total_vcpus_usage: sum(({ vcpus, hours }) => vcpus * hours),
    total_memory_mb_usage: sum(({ memory_mb, hours }) => memory_mb * hours),
    total_hours: sum(({ hours }) => hours),
    start: isoMicros(period.start),
    stop: isoMicros(period.end),
  };
}

function serverUsage(server: Server, { start, end }: Period) {
  const { flavor } = server;
  const launchedAt = server.launchedAt ?? end;
  return {
    hours: Math.max(0, end - Math.max(start, launchedAt)) / 3_600_000,
    flavor: flavor.name,
    instance_id: server.id,
    name: server.name,
    tenant_id: server.project_id,
    memory_mb: flavor.ram,
    local_gb: flavor.disk + flavor['OS-FLV-EXT-DATA:ephemeral'],
    vcpus: flavor.vcpus,
    started_at: isoMicros(launchedAt),
    ended_at: null,
    state: server.vm_state,
    uptime: Math.floor((Date.now() - launchedAt) / 1000),
  };
}
