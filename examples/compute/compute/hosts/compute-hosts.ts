/** The hosts of servers: the one that the API simulates or, if remote calls leave the process, those of the registry. */
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

/** The host and zone of a new server. */
export interface Place {
  readonly host: string;
  readonly zone: string;
}

/** Returns the hosts that these services drive. The simulated host has an id other than its service's. */
export function hostsOf(services: readonly KnownService[]): ComputeHost[] {
  const driving = services.filter(({ binary }) => binary === 'nova-compute');
  return driving.map((service) => {
    const { id, seq } = service.isRegistered ? service : { id: HOST.uuid, seq: 1 };
    return { id, seq, name: service.host, service };
  });
}

/** Returns the hosts that accept new servers: those that are up and enabled. The simulated one always accepts. */
export async function placesOf(api: ComputeApi): Promise<Place[]> {
  const { cloud, hosts } = api;
  const place = (host: string): Place => ({ host, zone: zoneOf(cloud, host) });
  if (hosts === null) return [place(HOST.name)];
  const services = (await knownServices(api)).filter(({ state, disabled }) => state === 'up' && !disabled);
  return hostsOf(services).map(({ name }) => place(name));
}

/** Reports whether a host can perform a task now. */
export async function isHostUp(api: ComputeApi, host: string): Promise<boolean> {
  if (api.hosts === null) return true;
  return hostsOf(await knownServices(api)).some(({ name, service }) => name === host && service.state === 'up');
}

/** Data other than the server that its view needs. */
export interface Surroundings {
  readonly cloud: Cloud;
  /** Returns the state of a host in nova's words. */
  readonly hostStatus: (host: string) => string;
}

/** Returns the data for views of servers. Reads the registry only if the response shows host states: to administrators, from 2.16 on. */
export async function surroundingsOf(api: ComputeApi, request: ActionRequest): Promise<Surroundings> {
  const { cloud } = api;
  const isShown = callerOf(request).isAdmin && request.apiVersion.atLeast('2.16');
  if (api.hosts === null || !isShown) {
    // The API runs on its only host, so the state is never `UNKNOWN`.
    const driving = () => cloud.services.list().find(({ host }) => host === HOST.name);
    return { cloud, hostStatus: () => statusWord(driving(), true) };
  }
  // Servers are in the API's own store, so they are shown without the registry; the states of their hosts are then `UNKNOWN`.
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
