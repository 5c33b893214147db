/** Aggregates: hosts with something in common, such as a zone. Administrators only. */
import { randomUUID } from 'node:crypto';
import { isoMicros } from 'portico/openstack';
import { type JsonSchema, keyValuePairs, object, orNull, text, view } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Aggregate } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, reads, refuse, writes } from './call.js';
import { name } from './texts.js';

const MEMBERS = `id=seq name availability_zone=metadata.availability_zone created_at updated_at deleted=false deleted_at=null
  2.41+ uuid`;
const createdView = view<Stored<Aggregate>>(MEMBERS);
const aggregateView = view<Stored<Aggregate>>(`${MEMBERS} \n hosts metadata`);

/** The aggregate the path names. Clients send names where ids belong, and expect 400 then. */
function aggregateOf({ params, cloud }: Call): Stored<Aggregate> {
  const id = /^\d+$/.test(params.id!) ? Number(params.id) : refuse(400, `The id ${params.id} is no number.`);
  return cloud.aggregates.list().find(({ seq }) => seq === id) ?? refuse(404, `Aggregate ${id} could not be found.`);
}

function changed(call: Call, changes: Partial<Aggregate>): object {
  const aggregate = { ...aggregateOf(call), ...changes, updated_at: isoMicros(call.now) };
  return { aggregate: aggregateView(call.cloud.aggregates.update(aggregate.uuid, aggregate), call) };
}

function refuseTaken({ cloud }: Call, name: string | undefined, own?: number): void {
  const taken = cloud.aggregates.list().some((it) => it.name === name && it.seq !== own);
  if (taken) refuse(409, `Aggregate ${name} already exists.`);
}

type Values = Record<string, string | null | undefined>;

/** Metadata with changes: null removes. The zone may be changed, not taken away. */
function merged(known: Aggregate['metadata'], changes: Values): Aggregate['metadata'] {
  if (changes.availability_zone === null) refuse(400, 'The availability zone of an aggregate cannot be removed.');
  return Object.fromEntries(Object.entries({ ...known, ...changes }).filter(([, value]) => value != null)) as never;
}

const policy = (verb: string) => ({ policy: `os-aggregates:${verb}` });
const zone = orNull(text({ pattern: '^[^:]+$' }));
const creation = object({ aggregate: object({ name, 'availability_zone?': zone }) });
const update = object({ aggregate: { ...object({ 'name?': name, 'availability_zone?': zone }), minProperties: 1 } });
const taking = (bodyKey: string, members: Record<string, JsonSchema>) => {
  return { ...policy(bodyKey), bodyKey, body: object({ [bodyKey]: object(members) }) };
};
type Asked = { aggregate: { name?: string; availability_zone?: string | null } };

export class Aggregates {
  readonly index = reads(policy('index'), (call) => {
    return { aggregates: call.cloud.aggregates.list().map((aggregate) => aggregateView(aggregate, call)) };
  });
  readonly show = reads(policy('show'), (call) => ({ aggregate: aggregateView(aggregateOf(call), call) }));
  readonly create = writes<Asked>({ ...policy('create'), body: creation }, (call) => {
    const { name = '', availability_zone } = call.body.aggregate;
    refuseTaken(call, name);
    const metadata = merged({}, { availability_zone: availability_zone ?? undefined });
    const record = { uuid: randomUUID(), name, hosts: [], metadata, created_at: isoMicros(call.now), updated_at: null };
    return { aggregate: createdView(call.cloud.aggregates.insert(record.uuid, record), call) };
  });
  readonly update = writes<Asked>({ ...policy('update'), body: update }, (call) => {
    const aggregate = aggregateOf(call);
    const { name = aggregate.name, ...zoned } = call.body.aggregate;
    refuseTaken(call, name, aggregate.seq);
    return changed(call, { name, metadata: merged(aggregate.metadata, zoned) });
  });
  readonly delete = writes({ ...policy('delete'), status: 200 }, (call) => {
    const { uuid, hosts } = aggregateOf(call);
    if (hosts.length > 0) refuse(400, 'Host aggregate is not empty');
    call.cloud.aggregates.delete(uuid);
  });
  readonly addHost = writes<{ add_host: { host: string } }>(taking('add_host', { host: text() }), (call) => {
    const [{ hosts, seq }, { host }] = [aggregateOf(call), call.body.add_host];
    if (host !== HOST.name) refuse(404, `Compute host ${host} could not be found.`);
    if (hosts.includes(host)) refuse(409, `Aggregate ${seq} already has host ${host}.`);
    return changed(call, { hosts: [host] });
  });
  readonly removeHost = writes<{ remove_host: { host: string } }>(taking('remove_host', { host: text() }), (call) => {
    const [{ hosts, seq }, { host }] = [aggregateOf(call), call.body.remove_host];
    if (!hosts.includes(host)) refuse(404, `Cannot remove host ${host} in aggregate ${seq}`);
    return changed(call, { hosts: [] });
  });
  readonly setMetadata = writes<{ set_metadata: { metadata: Values } }>(
    taking('set_metadata', { metadata: keyValuePairs('string', 'null') }),
    (call) => changed(call, { metadata: merged(aggregateOf(call).metadata, call.body.set_metadata.metadata) }),
  );
}
