/** Services, and the zone of the one host. Administrators only, apart from the zone's name. */
import { flag, isTrue, members, object, text } from 'portico/routing';
import type { Service } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, declared, reads, refuse } from './call.js';
import { byId, type Known, readsServices, servicesOf, serviceView, status, zoneOf } from './service-records.js';

type Asked = Record<'host' | 'binary', string> &
  Partial<Record<'status' | 'disabled_reason', string>> & { forced_down?: boolean | string };
const changes = { 'disabled_reason?': text(), 'forced_down?': flag };
const byName = object({ ...members('host binary', text()), ...changes });
const byUuid = object({ 'status?': { enum: ['enabled', 'disabled'] }, ...changes });
const policy = 'os-services:update';

/** What the path may say is done below 2.53: since when, and which member it needs. */
const VERBS: Readonly<Record<string, readonly [since: string, needed: 'binary' | 'disabled_reason' | 'forced_down']>> =
  {
    enable: ['2.1', 'binary'],
    disable: ['2.1', 'binary'],
    'disable-log-reason': ['2.1', 'disabled_reason'],
    'force-down': ['2.11', 'forced_down'],
  };

/** Changes the record where it is kept, and gives it as it is then. */
async function change(call: Call<Asked>, service: Known, disabled: boolean): Promise<Known> {
  const { cloud, body, registry } = call;
  const forced = isTrue(body.forced_down ?? service.forced_down);
  const reason = (disabled && body.disabled_reason) || undefined;
  if (service.registered) {
    const changes = { status: disabled ? 'disabled' : 'enabled', forcedDown: forced } as const;
    await registry!.update(service.id, { ...changes, ...(reason && { disabledReason: reason }) });
  } else if (service.binary === 'nova-compute') {
    const changes = { disabled, forced_down: forced, disabled_reason: reason ?? null };
    cloud.write(() => cloud.services.update(service.id, { ...cloud.services.get(service.id)!, ...changes }));
  } else refuse(400, `Updating a ${service.binary} service is not supported.`);
  return (await servicesOf(call)).find(({ id }) => id === service.id)!;
}

export class Services {
  readonly index = readsServices(
    { policy: 'os-services:list', query: { '2.1': members('host binary') } },
    (call, services) => {
      const wanted = (name: 'host' | 'binary') => (it: Service) => it[name] === (call.queryValue(name) || it[name]);
      const found = services.filter(wanted('host')).filter(wanted('binary'));
      return { services: found.map((service) => serviceView(service, call)) };
    },
  );
  /** Below 2.53 the path says what is done, from there to which service. */
  readonly update = [
    declared<Asked>({ policy, versions: ['2.1', '2.52'], body: byName }, async (call) => {
      const [{ host, binary, disabled_reason }, verb] = [call.body, call.params.id!];
      const [since, needed] = (Object.hasOwn(VERBS, verb) && VERBS[verb]) || refuse(404, 'Unknown action');
      if (!call.apiVersion.atLeast(since)) refuse(404, 'Unknown action');
      if (call.body[needed] === undefined) refuse(400, `Missing ${needed} field`);
      const service = (await servicesOf(call)).find((it) => it.host === host && it.binary === binary);
      if (service === undefined) refuse(404, `There is no ${binary} on host ${host}.`);
      const forcing = verb === 'force-down';
      const changed = await change(call, service, forcing ? service.disabled : verb !== 'enable');
      if (forcing) return { service: { host, binary, forced_down: changed.forced_down } };
      return { service: { host, binary, status: status(changed), ...(changed.disabled && { disabled_reason }) } };
    }),
    declared<Asked>({ policy, versions: ['2.53'], body: byUuid }, async (call) => {
      const service = byId(call, await servicesOf(call), 400);
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
  readonly detail = readsServices({ policy: 'os-availability-zone:detail' }, (call, services) => {
    const enabled = services.filter(({ disabled, registered }) => !disabled && !registered);
    const binaries = (zone: string) => {
      const shown = enabled.filter((it) => it.zone === zone).map((it) => serviceView(it, call));
      const lives = shown.map(({ binary, state, updated_at }) => {
        return [binary, { available: state === 'up', active: true, updated_at }];
      });
      return { [HOST.name]: Object.fromEntries(lives) as object };
    };
    const zones = [...new Set(enabled.map(({ zone }) => zone))];
    return { availabilityZoneInfo: zones.map((zoneName) => ({ zoneName, zoneState, hosts: binaries(zoneName) })) };
  });
}
