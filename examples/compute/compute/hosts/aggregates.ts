/** Aggregates: hosts that share a property, such as a zone. Administrators only. */
import { randomUUID } from 'node:crypto';
import { isoMicros } from 'portico/openstack';
import { type ActionRequest, action } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Aggregate } from '../../records.js';
import { Controller, refuse, requireAdmin } from '../api.js';
import { closed, metadataOf, name, text } from '../schemas.js';
import { hostsOf } from './compute-hosts.js';
import { knownServices } from './service-records.js';

type Metadata = Aggregate['metadata'];

export class Aggregates extends Controller {
  index(request: ActionRequest) {
    requireAdmin(request, 'os-aggregates:index');
    const aggregates = this.cloud.read(() => this.cloud.aggregates.list());
    return { aggregates: aggregates.map((aggregate) => aggregateView(request, aggregate)) };
  }

  show(request: ActionRequest) {
    requireAdmin(request, 'os-aggregates:show');
    const aggregate = this.cloud.read(() => this.#find(request));
    return { aggregate: aggregateView(request, aggregate) };
  }

  readonly create = action({ body: creation }, (request) => {
    requireAdmin(request, 'os-aggregates:create');
    const { name, availability_zone } = request.body.aggregate;
    const aggregate: Aggregate = {
      uuid: randomUUID(),
      name,
      hosts: [],
      metadata: typeof availability_zone === 'string' ? { availability_zone } : {},
      created_at: isoMicros(Date.now()),
      updated_at: null,
    };
    return this.cloud.write(() => {
      this.#refuseTaken(name);
      return { aggregate: newAggregateView(request, this.cloud.aggregates.insert(aggregate.uuid, aggregate)) };
    });
  });

  readonly update = action({ body: update }, (request) => {
    requireAdmin(request, 'os-aggregates:update');
    const { name, ...zone } = request.body.aggregate;
    return this.#change(request, (aggregate) => {
      if (name !== undefined && name !== aggregate.name) this.#refuseTaken(name);
      return { name: name ?? aggregate.name, metadata: withChanges(aggregate.metadata, zone) };
    });
  });

  readonly delete = action({ status: 200 }, (request) => {
    requireAdmin(request, 'os-aggregates:delete');
    this.cloud.write(() => {
      const { uuid, hosts } = this.#find(request);
      if (hosts.length > 0) refuse(400, 'Host aggregate is not empty');
      this.cloud.aggregates.delete(uuid);
    });
  });

  readonly addHost = action({ bodyKey: 'add_host', body: addingHost }, async (request) => {
    requireAdmin(request, 'os-aggregates:add_host');
    const { host } = request.body.add_host;
    const known = hostsOf(await knownServices(this.api));
    return this.#change(request, ({ hosts, seq }) => {
      if (!known.some(({ name }) => name === host)) refuse(404, `Compute host ${host} could not be found.`);
      if (hosts.includes(host)) refuse(409, `Aggregate ${seq} already has host ${host}.`);
      return { hosts: [...hosts, host] };
    });
  });

  readonly removeHost = action({ bodyKey: 'remove_host', body: removingHost }, (request) => {
    requireAdmin(request, 'os-aggregates:remove_host');
    const { host } = request.body.remove_host;
    return this.#change(request, ({ hosts, seq }) => {
      if (!hosts.includes(host)) refuse(404, `Cannot remove host ${host} in aggregate ${seq}`);
      return { hosts: hosts.filter((each) => each !== host) };
    });
  });

  readonly setMetadata = action({ bodyKey: 'set_metadata', body: changingMetadata }, (request) => {
    requireAdmin(request, 'os-aggregates:set_metadata');
    const { metadata } = request.body.set_metadata;
    return this.#change(request, (aggregate) => ({ metadata: withChanges(aggregate.metadata, metadata) }));
  });

  /**
   * Returns the aggregate with the number in the path. 400 for any other text, because clients also send names and expect 400 then; 404
   * if there is none.
   */
  #find({ params }: ActionRequest): Stored<Aggregate> {
    const id = String(params.id);
    if (!/^\d+$/.test(id)) refuse(400, `The id ${id} is not a number.`);
    const found = this.cloud.aggregates.list().find(({ seq }) => seq === Number(id));
    return found ?? refuse(404, `Aggregate ${Number(id)} could not be found.`);
  }

  #change(request: ActionRequest, change: (aggregate: Stored<Aggregate>) => Partial<Aggregate>): object {
    return this.cloud.write(() => {
      const found = this.#find(request);
      const changed = { ...found, ...change(found), updated_at: isoMicros(Date.now()) };
      return { aggregate: aggregateView(request, this.cloud.aggregates.update(found.uuid, changed)) };
    });
  }

  #refuseTaken(name: string): void {
    const isTaken = this.cloud.aggregates.list().some((aggregate) => aggregate.name === name);
    if (isTaken) refuse(409, `Aggregate ${name} already exists.`);
  }
}

/** Applies changes to metadata; null removes a key. Throws 400 for a removal of the zone, which can only be changed. */
function withChanges(known: Metadata, changes: Readonly<Record<string, string | null>>): Metadata {
  if (changes.availability_zone === null) refuse(400, 'The availability zone of an aggregate cannot be removed.');
  const entries = Object.entries({ ...known, ...changes });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

function newAggregateView({ apiVersion }: ActionRequest, aggregate: Stored<Aggregate>) {
  const { seq: id, name, metadata, created_at, updated_at, uuid } = aggregate;
  const availability_zone = metadata.availability_zone ?? null;
  const view = { id, name, availability_zone, created_at, updated_at, deleted: false, deleted_at: null };
  return { ...view, ...(apiVersion.atLeast('2.41') && { uuid }) };
}

function aggregateView(request: ActionRequest, aggregate: Stored<Aggregate>) {
  const { hosts, metadata } = aggregate;
  return { ...newAggregateView(request, aggregate), hosts, metadata };
}

const members = { name, availability_zone: { anyOf: [{ ...text, pattern: '^[^:]+$' }, { type: 'null' }] } } as const;

const creation = closed({ aggregate: closed(members, 'name') }, 'aggregate');

const update = closed({ aggregate: { ...closed(members), minProperties: 1 } }, 'aggregate');

const host = closed({ host: text }, 'host');

const addingHost = closed({ add_host: host }, 'add_host');

const removingHost = closed({ remove_host: host }, 'remove_host');

/** Null removes a key. */
const metadata = metadataOf('string', 'null');

/** The schemas of aggregate requests. */
const changingMetadata = closed({ set_metadata: closed({ metadata }, 'metadata') }, 'set_metadata');
