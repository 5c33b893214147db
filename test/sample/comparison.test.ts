/**
 * Compares the sample with a real nova-api: the same requests must give the same statuses, versions, faults and members. `NOVA_API` is
 * the root of a nova-api with `auth_strategy = noauth2`: `NOVA_API=http://127.0.0.1:8774 node test/run.mjs sample/comparison`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCompute } from './sample-api.js';

/** Method and path, body, and the values of the response to keep, by names that later paths and bodies use. */
type Step = readonly [line: string, body?: object, keep?: Readonly<Record<string, string>>];

const STEPS: readonly Step[] = [
  ['GET /flavors?limit=x'],
  ['GET /flavors?marker=nobody'],
  ['POST /flavors', { flavor: { name: 'cmp', ram: '256', vcpus: 1, disk: 1, id: null } }, { flavor: 'flavor.id' }],
  ['POST /flavors', { flavor: { name: 'cmp', ram: 256, vcpus: 1, disk: 1 } }],
  ['POST /flavors', { flavor: { name: 'cmp2', ram: 256, vcpus: 1, disk: 1, colour: 'red' } }],
  ['POST /flavors', { flavor: { name: ' cmp2', ram: 256, vcpus: 1, disk: 1 } }],
  ['GET /flavors?sort_key=name&sort_dir=desc'],
  ['GET /flavors/detail?is_public=None&minRam=1'],
  ['GET /flavors/detail?minRam=much'],
  ['GET /flavors/{flavor}'],
  ['GET /flavors/nothing'],
  ['POST /flavors/{flavor}/os-extra_specs', { extra_specs: { 'hw:cpu_policy': 'shared' } }],
  ['GET /flavors/{flavor}/os-extra_specs'],
  ['PUT /flavors/{flavor}/os-extra_specs/hw:cpu_policy', { 'hw:cpu_policy': 'dedicated' }],
  ['PUT /flavors/{flavor}/os-extra_specs/hw:cpu_policy', { 'hw:mem_page_size': 'large' }],
  ['GET /flavors/{flavor}/os-extra_specs/nothing'],
  ['DELETE /flavors/{flavor}/os-extra_specs/hw:cpu_policy'],
  ['DELETE /flavors/{flavor}'],
  ['POST /os-keypairs', { keypair: { name: 'cmp' } }],
  ['POST /os-keypairs', { keypair: { name: 'cmp' } }],
  ['POST /os-keypairs', { keypair: { name: 'cmp2', public_key: 'no key' } }],
  ['GET /os-keypairs'],
  ['GET /os-keypairs/cmp'],
  ['DELETE /os-keypairs/cmp'],
  ['GET /os-keypairs/cmp'],
  ['POST /os-server-groups', { server_group: { name: 'g', policies: ['affinity'] } }, { group: 'server_group.id' }],
  ['POST /os-server-groups', { server_group: { name: 'g', policy: 'affinity' } }, { group: 'server_group.id' }],
  ['POST /os-server-groups', { server_group: { name: 'g', policies: ['some'] } }],
  ['GET /os-server-groups'],
  ['GET /os-server-groups/{group}'],
  ['DELETE /os-server-groups/{group}'],
  ['GET /os-server-groups/{group}'],
  ['GET /os-services'],
  ['GET /os-hypervisors'],
  ['GET /os-hypervisors/detail'],
  ['GET /os-hypervisors/nobody'],
  ['POST /os-aggregates', { aggregate: { name: 'a', availability_zone: 'z' } }, { aggregate: 'aggregate.id' }],
  ['POST /os-aggregates', { aggregate: { name: 'a' } }],
  ['GET /os-aggregates'],
  ['GET /os-aggregates/{aggregate}'],
  ['GET /os-aggregates/name'],
  ['POST /os-aggregates/{aggregate}/action', { set_metadata: { metadata: { a: '1' } } }],
  ['POST /os-aggregates/{aggregate}/action', { add_host: { host: 'nobody' } }],
  ['POST /os-aggregates/{aggregate}/action', { explode: {} }],
  ['DELETE /os-aggregates/{aggregate}'],
  ['GET /os-availability-zone'],
  ['GET /limits'],
  ['GET /servers'],
  ['GET /servers/detail?status=NOTHING'],
  ['GET /servers?changes-since=yesterday'],
  ['GET /servers/nothing'],
  ['POST /servers', { server: { name: 's' } }],
  ['POST /servers/nothing/action', { 'os-stop': null }],
];

/** Returns the paths of all members of a value. All items of a list have one path. */
function membersOf(value: unknown, place = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => membersOf(item, `${place}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    `${place}.${name}`,
    ...membersOf(member, `${place}.${name}`),
  ]);
}

/** The parts of a response that must be equal. */
interface Shape {
  readonly status: number;
  readonly version: string | null;
  readonly members: readonly string[];
}

/** Sends all steps to one API. Each step may use values that earlier steps kept. */
async function shapesOf(root: string, version: string): Promise<Record<string, Shape>> {
  const kept: Record<string, string> = {};
  const shapes: Record<string, Shape> = {};
  for (const [index, [line, body, keep = {}]] of STEPS.entries()) {
    const [method = '', path = ''] = line
      .replaceAll(/\{(\w+)\}/g, (_, name: string) => kept[name] ?? 'none')
      .split(' ');
    const headers = { 'X-Auth-Token': 'admin:admin', 'OpenStack-API-Version': `compute ${version}` };
    const sent = body && { body: JSON.stringify(body), headers: { ...headers, 'Content-Type': 'application/json' } };
    const answer = await fetch(`${root}/v2.1${path}`, { method, headers, ...sent });
    const text = await answer.text();
    const json: unknown =
      answer.headers.get('content-type')?.startsWith('application/json') && text ? JSON.parse(text) : {};
    for (const [name, place] of Object.entries(keep)) {
      const found = place.split('.').reduce<unknown>((value, step) => (value as Record<string, unknown>)?.[step], json);
      if (found !== undefined) kept[name] = String(found as string);
    }
    const members = [...new Set(membersOf(json))].sort();
    shapes[`${index} ${line}`] = {
      status: answer.status,
      version: answer.headers.get('openstack-api-version'),
      members,
    };
  }
  return shapes;
}

const nova = process.env.NOVA_API;

for (const version of ['2.1', '2.35', '2.53', '2.64', '2.79']) {
  test(`SC-101 the sample responds as nova-api does, at ${version}`, {
    skip: nova === undefined && 'no NOVA_API',
  }, async (t) => {
    const { url } = await startCompute(t);
    assert.deepEqual(await shapesOf(url, version), await shapesOf(nova!, version));
  });
}

test('none of the comparison’s requests gets 500', async (t) => {
  const { url } = await startCompute(t);
  const shapes = await shapesOf(url, '2.79');
  const failed = Object.entries(shapes).filter(([, { status }]) => status >= 500);
  assert.deepEqual(failed, []);
  assert.ok(Object.values(shapes).filter(({ status }) => status === 200).length > 15);
});
