import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { describeLimits, processorLimit, processors } from '../../dist/process/container-limits.js';
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

test('KU-4 the least limit of processors of the group, and of those above it, holds: version 2', () => {
  const groups = '0::/kubepods/pod1\n';
  const files = { 'kubepods/pod1/cpu.max': '250000 100000\n', 'kubepods/cpu.max': '150000 100000\n' };
  assert.equal(processorLimit(place(groups, files)), 1.5);
  assert.equal(processorLimit(place(groups, { 'kubepods/pod1/cpu.max': 'max 100000\n' })), Number.POSITIVE_INFINITY);
  // Within a container the group is at the top, although its path is that of the host.
  assert.equal(processorLimit(place(groups, { 'cpu.max': '50000 100000\n' })), 0.5);
});

test('KU-4 the limit of processors in version 1, with controllers together or alone', () => {
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

test('KU-4 the number of processors is at least one, and without a limit that of the machine', () => {
  assert.equal(processors(place('0::/\n', { 'cpu.max': '50000 100000\n' })), 1);
  assert.equal(processors(place('0::/\n', { 'cpu.max': 'garbage' })), availableParallelism());
  assert.equal(processors({ mount: '/nowhere', groups: '' }), availableParallelism());
});

test('KU-4 the limits of the container are described, and none is said without any', () => {
  const limited = place('0::/\n', { 'cpu.max': '150000 100000\n' });
  const free = place('0::/\n', { 'cpu.max': 'max 100000\n' });
  assert.equal(describeLimits(limited, 512 * 2 ** 20), '1.5 processors, 512 MiB of memory');
  assert.equal(describeLimits(free, 2 ** 20), '1 MiB of memory');
  for (const none of [0, 2 ** 63]) assert.equal(describeLimits(free, none), undefined);
});
