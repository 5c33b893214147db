/** The hosts that servers can be on: the one that the API simulates or, where remote calls reach others, those of the registry. */
import { Fault } from 'portico/app';
import type { ActionRequest } from 'portico/routing';
import { type Cloud, HOST } from '../../cloud.js';
import { type ComputeApi, callerOf } from '../api.js';
import { type KnownService, knownServices, zoneOf } from './service-records.js';

/** A host, and the service that drives it. */
export interface ComputeHost {
  readonly id: string;
  readonly seq: number;
  readonly name: string;
  readonly service: KnownService;
}

/** A host and zone for a new server. */
export interface Place {
  readonly host: string;
  readonly zone: string;
}

/** The hosts behind these services. The one that is simulated has its own id. */
export function hostsOf(services: readonly KnownService[]): ComputeHost[] {
  const driving = services.filter(({ binary }) => binary === 'nova-compute');
  return driving.map((service) => {
    const { id, seq } = service.isRegistered ? service : { id: HOST.uuid, seq: 1 };
    return { id, seq, name: service.host, service };
  });
}

/** The hosts that take new servers: those that are up and enabled. The simulated one always does. */
export async function placesOf(api: ComputeApi): Promise<Place[]> {
  const { cloud, hosts } = api;
  const place = (host: string): Place => ({ host, zone: zoneOf(cloud, host) });
  if (hosts === null) return [place(HOST.name)];
  const services = (await knownServices(api)).filter(({ state, disabled }) => state === 'up' && !disabled);
  return hostsOf(services).map(({ name }) => place(name));
}

/** Whether a host would carry out what it is told now. */
export async function isHostUp(api: ComputeApi, host: string): Promise<boolean> {
  if (api.hosts === null) return true;
  return hostsOf(await knownServices(api)).some(({ name, service }) => name === host && service.state === 'up');
}

/** Facts that a server's view needs beside the server. */
export interface Surroundings {
  readonly cloud: Cloud;
  /** The state of a host in nova's words. */
  readonly hostStatus: (host: string) => string;
}

/** Looks at the hosts where the answer shows their states: to administrators, from 2.16 on. */
export async function surroundingsOf(api: ComputeApi, request: ActionRequest): Promise<Surroundings> {
  const { cloud } = api;
  const isShown = callerOf(request).isAdmin && request.apiVersion.atLeast('2.16');
  if (api.hosts === null || !isShown) {
    // The API runs where its one host does, so that is never unknown.
    return {
      cloud,
      hostStatus: () =>
        statusWord(
          cloud.services.list().find(({ host }) => host === HOST.name),
          true,
        ),
    };
  }
  // Servers are in the API's own store: they are shown while the registry is away, and of their hosts nothing is known.
  const hosts = hostsOf(await knownServices(api).catch(noneWhileAway));
  const hostStatus = (host: string): string => {
    const service = hosts.find(({ name }) => name === host)?.service;
    return service === undefined ? 'UNKNOWN' : statusWord(service, service.state === 'up');
  };
  return { cloud, hostStatus };
}

function noneWhileAway(error: unknown): KnownService[] {
  if (error instanceof Fault && error.status === 503) return [];
  throw error;
}

function statusWord(service: Pick<KnownService, 'forced_down' | 'disabled'> | undefined, isUp: boolean): string {
  if (service?.forced_down) return 'DOWN';
  if (service?.disabled) return 'MAINTENANCE';
  return isUp ? 'UP' : 'UNKNOWN';
}
