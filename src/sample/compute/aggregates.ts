/** Aggregates: hosts with something in common, such as a zone. Administrators only. */
import { randomUUID } from 'node:crypto';
import type { Stored } from '../cloud.js';
import { microTime } from '../names.js';
import type { Aggregate } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, reads, refuse, writes } from './call.js';
import { since, view } from './fields.js';
import { keyValues, name, object, orNull, text } from './parameters.js';

type A = Stored<Aggregate>;
const createdView = view<A>('name', {
  ...{ id: ({ seq }) => seq, uuid: since('2.41'), deleted: () => false, deleted_at: () => null },
  availability_zone: ({ metadata }) => metadata.availability_zone ?? null,
  created_at: ({ createdAt }) => microTime(createdAt),
  updated_at: ({ updatedAt }) => microTime(updatedAt),
});
const shown = (it: A, call: Call) => ({ ...createdView(it, call), hosts: it.hosts, metadata: it.metadata });

/** The aggregate the path names. Clients send names where ids belong, and expect 400 then. */
function aggregateOf({ args, cloud }: Call): A {
  const id = /^\d+$/.test(args.id!) ? Number(args.id) : refuse(400, `The id ${args.id} is no number.`);
  return cloud.aggregates.list().find(({ seq }) => seq === id) ?? refuse(404, `Aggregate ${id} could not be found.`);
}

function changed(call: Call, aggregate: A, changes: Partial<Aggregate>): object {
  const record = { ...aggregate, ...changes, updatedAt: call.now };
  refuseTaken(call, record.name, aggregate.seq);
  return { aggregate: shown(call.cloud.aggregates.update(aggregate.uuid, record), call) };
}

function refuseTaken({ cloud }: Call, name: string, except?: number): void {
  const taken = cloud.aggregates.list().some((it) => it.name === name && it.seq !== except);
  if (taken) refuse(409, `Aggregate ${name} already exists.`);
}

type Values = Record<string, string | null | undefined>;

/** Metadata with changes: null removes. The zone may be changed, not taken away. */
function merged(known: Aggregate['metadata'], changes: Values): Aggregate['metadata'] {
  if (changes.availability_zone === null) refuse(400, 'The availability zone of an aggregate cannot be removed.');
  return Object.fromEntries(Object.entries({ ...known, ...changes }).filter(([, value]) => value != null)) as never;
}

const zone = orNull(text({ pattern: '^[^:]+$' }));
const as = (verb: string) => ({ admin: `os-aggregates:${verb}` });
const creation = {
  ...as('create'),
  body: { '2.1': object({ aggregate: object({ name, 'availability_zone?': zone }) }) },
};
const update = { ...object({ 'name?': name, 'availability_zone?': zone }), minProperties: 1 };
const updating = { ...as('update'), body: { '2.1': object({ aggregate: update }) } };
const acting = (key: string, value: object) => ({
  ...as(key),
  key,
  body: { '2.1': object({ [key]: object({ ...value }) }) },
});
type Asked = { aggregate: { name?: string; availability_zone?: string | null } };
type Hosted<Key extends string> = Record<Key, { host: string }>;

export class Aggregates {
  readonly index = reads(as('index'), (call) => ({
    aggregates: call.cloud.aggregates.list().map((it) => shown(it, call)),
  }));
  readonly show = reads(as('show'), (call) => ({ aggregate: shown(aggregateOf(call), call) }));

  readonly create = writes<Asked>(creation, (call) => {
    const { name = '', availability_zone } = call.body.aggregate;
    refuseTaken(call, name);
    const metadata = merged({}, { availability_zone: availability_zone ?? undefined });
    const record = { uuid: randomUUID(), name, hosts: [], metadata, createdAt: call.now, updatedAt: null };
    return { aggregate: createdView(call.cloud.aggregates.insert(record.uuid, record), call) };
  });

  readonly update = writes<Asked>(updating, (call) => {
    const [aggregate, { name, ...zoned }] = [aggregateOf(call), call.body.aggregate];
    return changed(call, aggregate, { name: name ?? aggregate.name, metadata: merged(aggregate.metadata, zoned) });
  });

  readonly delete = writes(as('delete'), (call) => {
    const { uuid, hosts } = aggregateOf(call);
    if (hosts.length > 0) refuse(400, 'Host aggregate is not empty');
    call.cloud.aggregates.delete(uuid);
  });

  readonly addHost = writes<Hosted<'add_host'>>(acting('add_host', { host: text() }), (call) => {
    const [aggregate, { host }] = [aggregateOf(call), call.body.add_host];
    if (host !== HOST.name) refuse(404, `Compute host ${host} could not be found.`);
    if (aggregate.hosts.includes(host)) refuse(409, `Aggregate ${aggregate.seq} already has host ${host}.`);
    return changed(call, aggregate, { hosts: [host] });
  });

  readonly removeHost = writes<Hosted<'remove_host'>>(acting('remove_host', { host: text() }), (call) => {
    const [aggregate, { host }] = [aggregateOf(call), call.body.remove_host];
    if (!aggregate.hosts.includes(host)) refuse(404, `Cannot remove host ${host} in aggregate ${aggregate.seq}`);
    return changed(call, aggregate, { hosts: [] });
  });

  readonly setMetadata = writes<{ set_metadata: { metadata: Values } }>(
    acting('set_metadata', { metadata: keyValues('string', 'null') }),
    (call) => {
      const aggregate = aggregateOf(call);
      return changed(call, aggregate, { metadata: merged(aggregate.metadata, call.body.set_metadata.metadata) });
    },
  );
}
