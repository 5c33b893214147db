import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CIRROS, makeServer, startCompute } from './sample-api.js';

const ALL = Array.from({ length: 79 }, (_, index) => `2.${index + 1}`);

/** The members of each resource at 2.1, and the later changes by version: `+` adds a member, `-` removes it. */
const TABLE: Record<string, { at1: string; changes: Record<string, string> }> = {
  flavor: {
    at1: 'id name ram disk vcpus swap rxtx_factor OS-FLV-EXT-DATA:ephemeral OS-FLV-DISABLED:disabled os-flavor-access:is_public links',
    changes: { '2.55': '+description', '2.61': '+extra_specs' },
  },
  'flavor in a list': { at1: 'id name links', changes: { '2.55': '+description' } },
  'key pair, made': { at1: 'name public_key fingerprint user_id private_key', changes: { '2.2': '+type' } },
  'key pair, listed': { at1: 'name public_key fingerprint', changes: { '2.2': '+type' } },
  'key pair': {
    at1: 'name public_key fingerprint user_id created_at updated_at deleted deleted_at id',
    changes: { '2.2': '+type' },
  },
  group: {
    at1: 'id name members policies metadata',
    changes: { '2.13': '+project_id +user_id', '2.64': '-policies -metadata +policy +rules' },
  },
  service: {
    at1: 'id binary host zone status state updated_at disabled_reason',
    changes: { '2.11': '+forced_down' },
  },
  hypervisor: {
    at1: 'id hypervisor_hostname state status hypervisor_type hypervisor_version host_ip service vcpus memory_mb local_gb vcpus_used memory_mb_used local_gb_used free_ram_mb free_disk_gb current_workload running_vms disk_available_least cpu_info',
    changes: {},
  },
  'hypervisor in a list': { at1: 'id hypervisor_hostname state status', changes: {} },
  'service of a hypervisor': { at1: 'id host disabled_reason', changes: {} },
  'aggregate, made': {
    at1: 'id name availability_zone created_at updated_at deleted deleted_at',
    changes: { '2.41': '+uuid' },
  },
  aggregate: {
    at1: 'id name availability_zone created_at updated_at deleted deleted_at hosts metadata',
    changes: { '2.41': '+uuid' },
  },
  limits: {
    at1: 'maxTotalInstances maxTotalCores maxTotalRAMSize maxTotalKeypairs maxServerMeta maxServerGroups maxServerGroupMembers totalInstancesUsed totalCoresUsed totalRAMUsed totalServerGroupsUsed maxSecurityGroups maxSecurityGroupRules maxTotalFloatingIps totalFloatingIpsUsed totalSecurityGroupsUsed maxImageMeta maxPersonality maxPersonalitySize',
    changes: {
      '2.36':
        '-maxSecurityGroups -maxSecurityGroupRules -maxTotalFloatingIps -totalFloatingIpsUsed -totalSecurityGroupsUsed',
      '2.39': '-maxImageMeta',
      '2.57': '-maxPersonality -maxPersonalitySize',
    },
  },
  'quotas of a project': {
    at1: 'id instances cores ram metadata_items key_pairs server_groups server_group_members injected_files injected_file_content_bytes injected_file_path_bytes fixed_ips floating_ips security_groups security_group_rules',
    changes: {
      '2.36': '-fixed_ips -floating_ips -security_groups -security_group_rules',
      '2.57': '-injected_files -injected_file_content_bytes -injected_file_path_bytes',
    },
  },
  'quotas of a class': {
    at1: 'id instances cores ram metadata_items key_pairs injected_files injected_file_content_bytes injected_file_path_bytes fixed_ips floating_ips security_groups security_group_rules',
    changes: {
      '2.50': '+server_groups +server_group_members -fixed_ips -floating_ips -security_groups -security_group_rules',
      '2.57': '-injected_files -injected_file_content_bytes -injected_file_path_bytes',
    },
  },
  'usage of a project': {
    at1: 'tenant_id server_usages total_hours total_vcpus_usage total_memory_mb_usage total_local_gb_usage start stop',
    changes: {},
  },
  'usage of a server': {
    at1: 'hours flavor instance_id name tenant_id memory_mb local_gb vcpus started_at ended_at state uptime',
    changes: {},
  },
  'one action on a server': {
    at1: 'action instance_uuid request_id user_id project_id start_time message events',
    changes: { '2.58': '+updated_at' },
  },
  server: {
    at1: 'id name status tenant_id user_id metadata hostId image flavor created updated addresses accessIPv4 accessIPv6 key_name config_drive progress OS-DCF:diskConfig OS-EXT-AZ:availability_zone OS-EXT-STS:vm_state OS-EXT-STS:task_state OS-EXT-STS:power_state OS-SRV-USG:launched_at OS-SRV-USG:terminated_at os-extended-volumes:volumes_attached links OS-EXT-SRV-ATTR:host OS-EXT-SRV-ATTR:hypervisor_hostname OS-EXT-SRV-ATTR:instance_name',
    changes: {
      '2.3':
        '+OS-EXT-SRV-ATTR:reservation_id +OS-EXT-SRV-ATTR:launch_index +OS-EXT-SRV-ATTR:hostname +OS-EXT-SRV-ATTR:kernel_id +OS-EXT-SRV-ATTR:ramdisk_id +OS-EXT-SRV-ATTR:root_device_name +OS-EXT-SRV-ATTR:user_data',
      '2.9': '+locked',
      '2.16': '+host_status',
      '2.19': '+description',
      '2.26': '+tags',
      '2.63': '+trusted_image_certificates',
      '2.71': '+server_groups',
      '2.73': '+locked_reason',
    },
  },
  'server in a detailed list': {
    at1: 'id name status tenant_id user_id metadata hostId image flavor created updated addresses accessIPv4 accessIPv6 key_name config_drive progress OS-DCF:diskConfig OS-EXT-AZ:availability_zone OS-EXT-STS:vm_state OS-EXT-STS:task_state OS-EXT-STS:power_state OS-SRV-USG:launched_at OS-SRV-USG:terminated_at os-extended-volumes:volumes_attached links',
    changes: {
      '2.9': '+locked',
      '2.19': '+description',
      '2.26': '+tags',
      '2.63': '+trusted_image_certificates',
      '2.73': '+locked_reason',
    },
  },
  'server in a list': { at1: 'id name links', changes: {} },
  'server, changed': {
    at1: 'id name status tenant_id user_id metadata hostId image flavor created updated addresses accessIPv4 accessIPv6 progress OS-DCF:diskConfig links',
    changes: {
      '2.9': '+locked',
      '2.19': '+description',
      '2.26': '+tags',
      '2.63': '+trusted_image_certificates',
      '2.71': '+server_groups',
      '2.73': '+locked_reason',
      '2.75':
        '+key_name +config_drive +host_status +os-extended-volumes:volumes_attached +OS-EXT-AZ:availability_zone +OS-EXT-STS:vm_state +OS-EXT-STS:task_state +OS-EXT-STS:power_state +OS-SRV-USG:launched_at +OS-SRV-USG:terminated_at +OS-EXT-SRV-ATTR:host +OS-EXT-SRV-ATTR:hypervisor_hostname +OS-EXT-SRV-ATTR:instance_name +OS-EXT-SRV-ATTR:reservation_id +OS-EXT-SRV-ATTR:launch_index +OS-EXT-SRV-ATTR:hostname +OS-EXT-SRV-ATTR:kernel_id +OS-EXT-SRV-ATTR:ramdisk_id +OS-EXT-SRV-ATTR:root_device_name +OS-EXT-SRV-ATTR:user_data',
    },
  },
  'flavor of a server': {
    at1: 'id links',
    changes: { '2.47': '-id -links +vcpus +ram +disk +ephemeral +swap +original_name +extra_specs' },
  },
  'action on a server': {
    at1: 'action instance_uuid request_id user_id project_id start_time message',
    changes: { '2.58': '+updated_at' },
  },
};

function expected(resource: string, minor: number): string[] {
  const { at1, changes } = TABLE[resource]!;
  const members = new Set(at1.split(' '));
  for (const [version, words] of Object.entries(changes)) {
    if (Number(version.slice(2)) > minor) continue;
    for (const word of words.split(' ')) {
      if (word.startsWith('+')) members.add(word.slice(1));
      else members.delete(word.slice(1));
    }
  }
  return [...members].sort();
}

test('SC-80 SC-81 SC-82 every resource has its members at every microversion', async (t) => {
  const { compute } = await startCompute(t);
  const api = { compute, port: 0, url: '' };
  const id = await makeServer(api);
  await compute('POST /v2.1/servers', {
    token: 'alice',
    body: { server: { name: 'x', flavorRef: '1', imageRef: CIRROS } },
  });
  const group = { server_group: { name: 'g', policies: ['affinity'] } };
  const groupId = (await compute('POST /v2.1/os-server-groups', { body: group })).json.server_group.id;
  const aggregateId = (await compute('POST /v2.1/os-aggregates', { body: { aggregate: { name: 'a' } } })).json.aggregate
    .id;
  const public_key = (await compute('POST /v2.1/os-keypairs', { body: { keypair: { name: 'k' } } })).json.keypair
    .public_key;
  const seen = new Set<string>();
  for (const version of ALL) {
    const minor = Number(version.slice(2));
    const get = async (path: string, token = 'admin') => (await compute(`GET /v2.1/${path}`, { version, token })).json;
    const post = async (path: string, body: object) => (await compute(`POST /v2.1/${path}`, { version, body })).json;
    const hypervisor = (await get('os-hypervisors/detail')).hypervisors[0];
    const server = (await get(`servers/${id}`)).server;
    const usage = (await get('os-simple-tenant-usage/admin?start=2020-01-01T00:00:00')).tenant_usage;
    const actions = (await get(`servers/${id}/os-instance-actions`)).instanceActions;
    const made = await post('os-keypairs', { keypair: { name: `k${minor}`, public_key } });
    const members: Record<string, object> = {
      flavor: (await get('flavors/1')).flavor,
      'flavor in a list': (await get('flavors')).flavors[0],
      'key pair, made': { ...made.keypair, private_key: '' },
      'key pair, listed': (await get('os-keypairs')).keypairs[0].keypair,
      'key pair': (await get('os-keypairs/k')).keypair,
      group: (await get(`os-server-groups/${groupId}`)).server_group,
      service: (await get('os-services')).services[0],
      hypervisor,
      'hypervisor in a list': (await get('os-hypervisors')).hypervisors[0],
      'service of a hypervisor': hypervisor.service,
      'aggregate, made': (await post('os-aggregates', { aggregate: { name: `a${minor}` } })).aggregate,
      aggregate: (await get(`os-aggregates/${aggregateId}`)).aggregate,
      limits: (await get('limits')).limits.absolute,
      server,
      'server in a detailed list': (await get('servers/detail', 'alice')).servers[0],
      'server in a list': (await get('servers')).servers[0],
      'server, changed': (await compute(`PUT /v2.1/servers/${id}`, { version, body: { server: { name: 's' } } })).json
        .server,
      'flavor of a server': server.flavor,
      'action on a server': actions[0],
      'one action on a server': (await get(`servers/${id}/os-instance-actions/${actions[0].request_id}`))
        .instanceAction,
      'quotas of a project': (await get('os-quota-sets/admin')).quota_set,
      'quotas of a class': (await get('os-quota-class-sets/default')).quota_class_set,
      'usage of a project': usage,
      'usage of a server': usage.server_usages[0],
    };
    for (const [resource, value] of Object.entries(members)) {
      assert.deepEqual(Object.keys(value).sort(), expected(resource, minor), `${resource} at ${version}`);
      seen.add(resource);
    }
    assert.deepEqual(server.flavor.swap, minor < 47 ? undefined : 0);
    assert.equal((members.flavor as { swap: unknown }).swap, minor < 75 ? '' : 0);
    assert.equal(typeof hypervisor.cpu_info, minor < 28 ? 'string' : 'object');
    const isUuid = (value: unknown) => typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value);
    for (const it of [hypervisor, hypervisor.service, members.service as { id: unknown }]) {
      assert.equal(isUuid(it.id), minor >= 53, `ids at ${version}`);
      assert.equal(typeof it.id === 'number', minor < 53, `ids at ${version}`);
    }
    assert.equal((await compute('GET /v2.1/images', { version })).status, minor < 36 ? 200 : 404);
    assert.equal((await compute('GET /v2.1/os-hosts', { version })).status, minor < 43 ? 200 : 404);
    assert.equal((await compute(`GET /v2.1/servers/${id}/migrations`, { version })).status, minor < 23 ? 404 : 200);
    assert.deepEqual((await get('os-migrations')).migrations, []);
    const removed = await compute(`DELETE /v2.1/os-keypairs/k${minor}`, { version });
    assert.equal(removed.status, minor < 2 ? 202 : 204);
  }
  assert.deepEqual([...seen].sort(), Object.keys(TABLE).sort());
});

test('SC-80 numbers in paths are refused from 2.53 on', async (t) => {
  const { compute } = await startCompute(t);
  const status = async (line: string, version: string, body?: object) =>
    (await compute(line, { version, ...(body && { body }) })).status;
  assert.equal(await status('GET /v2.1/os-hypervisors/1', '2.52'), 200);
  assert.equal(await status('GET /v2.1/os-hypervisors/1', '2.53'), 400);
  assert.equal(await status('GET /v2.1/os-hypervisors/host1', '2.52'), 404);
  assert.equal(await status('GET /v2.1/os-hypervisors/host1', '2.53'), 400);
  assert.equal(await status('PUT /v2.1/os-services/3', '2.53', { status: 'disabled' }), 400);
});
