import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { describeLimits, memoryLimit, processorLimit, processors } from '../../dist/process/container-limits.js';
import { temporaryFolder } from '../fixtures/keeper.js';

/** Returns a mount of cgroups with these files, for a process of these groups. */
function place(groups: string, files: Readonly<Record<string, string>>) {
  const mount = temporaryFolder('portico-cgroups-');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(mount, path)), { recursive: true });
    writeFileSync(join(mount, path), text);
  }
  return { mount, groups };
}

test('KU-4 the least limit of CPUs of the group, and of those above it, holds: version 2', () => {
  const groups = '0::/kubepods/pod1\n';
  const files = { 'kubepods/pod1/cpu.max': '250000 100000\n', 'kubepods/cpu.max': '150000 100000\n' };
  assert.equal(processorLimit(place(groups, files)), 1.5);
  assert.equal(processorLimit(place(groups, { 'kubepods/pod1/cpu.max': 'max 100000\n' })), Number.POSITIVE_INFINITY);
  // Within a container the group is at the top, although its path is that of the host.
  assert.equal(processorLimit(place(groups, { 'cpu.max': '50000 100000\n' })), 0.5);
});

test('KU-4 the limit of CPUs in version 1, with controllers together or alone', () => {
  const files = (folder: string, quota: string) => ({
    [`${folder}/docker/a/cpu.cfs_quota_us`]: quota,
    [`${folder}/docker/a/cpu.cfs_period_us`]: '100000\n',
  });
  for (const [groups, folder] of [
    ['5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n', 'cpu,cpuacct'],
    ['4:cpu,cpuacct:/docker/a\n', 'cpu'],
    ['1:cpu:/docker/a\n', 'cpu'],
  ] as const) {
    assert.equal(processorLimit(place(groups, files(folder, '200000\n'))), 2);
    assert.equal(processorLimit(place(groups, files(folder, '-1\n'))), Number.POSITIVE_INFINITY);
  }
});

test('KU-4 the number of CPUs is at least one, and without a limit that of the machine', () => {
  assert.equal(processors(place('0::/\n', { 'cpu.max': '50000 100000\n' })), 1);
  assert.equal(processors(place('0::/\n', { 'cpu.max': 'garbage' })), availableParallelism());
  assert.equal(processors({ mount: '/nowhere', groups: '' }), availableParallelism());
});

test('KU-4 the limits of the container are described, and none is said without any', () => {
  const files = (cpu: string, memory: string) => place('0::/\n', { 'cpu.max': cpu, 'memory.max': memory });
  assert.equal(describeLimits(files('150000 100000\n', '536870912\n')), '1.5 CPUs, 512 MiB of memory');
  assert.equal(describeLimits(files('max 100000\n', '1048576\n')), '1 MiB of memory');
  assert.equal(describeLimits(files('max 100000\n', 'max\n')), undefined);
});

test('KU-9 the least limit of memory of the group, and of those above it, holds: versions 1 and 2', () => {
  const two = {
    'kubepods/pod1/memory.max': 'max\n',
    'kubepods/memory.max': '536870912\n',
    'memory.max': '9663676416\n',
  };
  assert.equal(memoryLimit(place('0::/kubepods/pod1\n', two)), 512 * 2 ** 20);
  const one = { 'memory/docker/a/memory.limit_in_bytes': '268435456\n' };
  assert.equal(memoryLimit(place('5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n', one)), 256 * 2 ** 20);
});

test('KU-9 limits of a pod hold for a container without any, and those of a container in its cgroup namespace', () => {
  const pod = { 'kubepods/pod1/memory.max': '671088640\n', 'kubepods/pod1/cpu.max': '150000 100000\n' };
  const leaf = { 'kubepods/pod1/ctr/memory.max': 'max\n', 'kubepods/pod1/ctr/cpu.max': 'max 100000\n' };
  const said = '1.5 CPUs, 640 MiB of memory';
  assert.equal(describeLimits(place('0::/kubepods/pod1/ctr\n', { ...pod, ...leaf })), said);
  const top = { 'memory.max': '671088640\n', 'cpu.max': '150000 100000\n' };
  assert.equal(describeLimits(place('0::/\n', top)), said);
  // A supervisor in the container has moved the process to a group below.
  const moved = { 'init/memory.max': 'max\n', 'init/cpu.max': 'max 100000\n' };
  assert.equal(describeLimits(place('0::/init\n', { ...top, ...moved })), said);
});

test('KU-9 without a limit of memory, or with one above the memory of the machine, there is none', () => {
  const none = Number.POSITIVE_INFINITY;
  assert.equal(memoryLimit(place('0::/\n', { 'memory.max': 'max\n' })), none);
  assert.equal(memoryLimit(place('1:memory:/\n', { 'memory/memory.limit_in_bytes': '9223372036854771712\n' })), none);
  assert.equal(memoryLimit({ mount: '/nowhere', groups: '' }), none);
});
