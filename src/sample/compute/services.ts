/** The services of the one host and of this deployment, and the zone. Administrators only, apart from the zone's name. */
import { RegistryUnavailable, type ServiceView } from 'portico/registry';
import { flag, isTrue, members, object, text, view } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../cloud.js';
import { microTime } from '../names.js';
import type { Service } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, declared, reads, refuse } from './call.js';

/** A host is in the zone of its aggregate. */
export function zoneOf(cloud: Cloud): string {
  const around = cloud.aggregates.list().filter(({ hosts }) => hosts.includes(HOST.name));
  return around.map(({ metadata }) => metadata.availability_zone).find(Boolean) ?? HOST.zone;
}

/** A record by number or, from 2.53 on, by UUID. `otherwise`: what a number that is none is below. */
export function byId<R extends { seq: number; id: string }>(call: Call, records: readonly R[], otherwise: number): R {
  const [wanted, uuids] = [call.params.id!, call.apiVersion.atLeast('2.53')];
  const form = uuids ? /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i : /^\d+$/;
  if (!form.test(wanted)) refuse(uuids ? 400 : otherwise, `Invalid id ${wanted}`);
  const found = records.find((it) => String(uuids ? it.id : it.seq) === wanted);
  return found ?? refuse(404, `${wanted} could not be found.`);
}

const status = ({ disabled }: Service): string => (disabled ? 'disabled' : 'enabled');

/** A service with what is known of its life; `registered`: the registry keeps its record, else the cloud does. */
export type Known = Stored<Service> & { readonly state: string; readonly seenAt: number; readonly registered: boolean };
export const states = (service: Known) => ({ state: service.state, status: status(service) });

const serviceView = view(
  'binary host zone status state updated_at disabled_reason \n -2.52 id=seq \n 2.11+ forced_down \n 2.53+ id',
  (service: Known) => ({ ...states(service), updated_at: microTime(service.seenAt) }),
);

/** What the registry of services knows; nothing where there is none. */
async function registered({ registry }: Call): Promise<readonly ServiceView[]> {
  try {
    return (await registry?.list()) ?? [];
  } catch (error) {
    if (error instanceof RegistryUnavailable) refuse(503, 'The service registry cannot be reached.');
    throw error;
  }
}

const lifeOf = ({ record, state }: ServiceView) => {
  return { state: state === 'down' ? 'down' : 'up', seenAt: (record.lastSeenUp ?? record.createdAt).getTime() };
};

/** The services of the host, and behind them those of this deployment, each with its heartbeat. */
function known({ cloud, service: api, now }: Call, views: readonly ServiceView[]): Known[] {
  // Those of the host live in the processes of this API: its heartbeat is theirs, or else that it answers.
  const own = views.find(({ record }) => record.binary.endsWith(`-${api}`));
  const life = own ? lifeOf(own) : { state: 'up', seenAt: now };
  const ofHost = cloud.services.list().map((service) => ({
    ...service,
    ...life,
    ...(service.binary === 'nova-compute' && { zone: zoneOf(cloud) }),
    ...(service.forced_down && { state: 'down' }),
    registered: false,
  }));
  const deployed = views.map((view) => {
    const { uuid: id, binary, host, zone, disabled, forcedDown: forced_down } = view.record;
    const named = { id, seq: 1000 + view.record.id, binary, host, zone: zone ?? 'internal' };
    return { ...named, disabled, forced_down, disabled_reason: view.record.disabledReason, ...lifeOf(view), registered: true };
  });
  return [...ofHost, ...deployed];
}

/** An action that looks at services. The registry is asked before the transaction, because it is no part of the store. */
export function readsServices(
  options: Parameters<typeof declared>[0],
  handler: (call: Call, services: readonly Known[]) => unknown,
) {
  return declared(options, async (call) => {
    const views = await registered(call);
    return call.cloud.read(() => handler(call, known(call, views)));
  });
}

type Asked = Record<'host' | 'binary', string> &
  Partial<Record<'status' | 'disabled_reason', string>> & { forced_down?: boolean | string };
const changes = { 'disabled_reason?': text(), 'forced_down?': flag };
const byName = object({ ...members('host binary', text()), ...changes });
const byUuid = object({ 'status?': { enum: ['enabled', 'disabled'] }, ...changes });
const admin = 'os-services:update';

/** Changes the record where it is kept, and gives it as it is then. */
async function change(call: Call<Asked>, service: Known, disabled: boolean): Promise<Known> {
  const { cloud, body, registry } = call;
  const [reason, forcedDown] = [disabled ? body.disabled_reason : undefined, isTrue(body.forced_down ?? service.forced_down)];
  if (service.registered) {
    const status = disabled ? 'disabled' : 'enabled';
    await registry!.update(service.id, { status, forcedDown, ...(reason && { disabledReason: reason }) });
  } else {
    if (service.binary !== 'nova-compute') refuse(400, `Updating a ${service.binary} service is not supported.`);
    cloud.write(() => {
      const { seq: _, ...record } = cloud.services.get(service.id)!;
      const changed = { ...record, disabled, forced_down: forcedDown, disabled_reason: reason ?? null };
      cloud.services.update(service.id, changed);
    });
  }
  return known(call, await registered(call)).find(({ id }) => id === service.id)!;
}

/** What the path may say is done, below 2.53. */
const VERBS: Readonly<Record<string, string>> = {
  enable: '2.1',
  disable: '2.1',
  'disable-log-reason': '2.1',
  'force-down': '2.11',
};

export class Services {
  readonly index = readsServices(
    { admin: 'os-services:list', query: { '2.1': members('host binary') } },
    (call, services) => {
      const wanted = (name: 'host' | 'binary') => (it: Service) => it[name] === (call.queryValue(name) || it[name]);
      const found = services.filter(wanted('host')).filter(wanted('binary'));
      return { services: found.map((service) => serviceView(service, call)) };
    },
  );
  /** Below 2.53 the path says what is done, from there to which service. */
  readonly update = [
    declared<Asked>({ admin, versions: ['2.1', '2.52'], body: byName }, async (call) => {
      const [{ host, binary, disabled_reason }, verb] = [call.body, call.params.id!];
      const since = Object.hasOwn(VERBS, verb) ? VERBS[verb]! : refuse(404, 'Unknown action');
      if (!call.apiVersion.atLeast(since)) refuse(404, 'Unknown action');
      const services = known(call, await registered(call));
      const service = services.find((it) => it.host === host && it.binary === binary);
      if (service === undefined) refuse(404, `There is no ${binary} on host ${host}.`);
      const forcing = verb === 'force-down';
      const changed = await change(call, service, forcing ? service.disabled : verb !== 'enable');
      if (forcing) return { service: { host, binary, forced_down: changed.forced_down } };
      return { service: { host, binary, status: status(changed), ...(changed.disabled && { disabled_reason }) } };
    }),
    declared<Asked>({ admin, versions: ['2.53'], body: byUuid }, async (call) => {
      const service = byId(call, known(call, await registered(call)), 400);
      const disabled = (call.body.status ?? status(service)) === 'disabled';
      return { service: serviceView(await change(call, service, disabled), call) };
    }),
  ];
}

const zoneState = { available: true };

export class Zones {
  readonly index = reads({}, ({ cloud }) => {
    return { availabilityZoneInfo: [{ zoneName: zoneOf(cloud), zoneState, hosts: null }] };
  });
  readonly detail = readsServices({ admin: 'os-availability-zone:detail' }, (call, services) => {
    const enabled = services.filter(({ disabled, registered }) => !disabled && !registered);
    const zones = [...new Set(enabled.map(({ zone }) => zone))];
    const binaries = (zone: string) => {
      const inZone = enabled.filter((it) => it.zone === zone).map((it) => serviceView(it, call));
      const lives = inZone.map(({ binary, state, updated_at }) => {
        return [binary, { available: state === 'up', active: true, updated_at }];
      });
      return Object.fromEntries(lives) as object;
    };
    return {
      availabilityZoneInfo: zones.map((zoneName) => ({
        zoneName,
        zoneState,
        hosts: { [HOST.name]: binaries(zoneName) },
      })),
    };
  });
}
