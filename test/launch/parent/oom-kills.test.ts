/** Kills of the kernel for memory, from the file of either version of cgroups. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OomKills } from '../../../dist/launch/parent/worker-memory.js';
import { cgroupFiles } from '../../../dist/process/index.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

const FILES: Readonly<Record<string, (kills: number) => string>> = {
  'memory.events': (kills) => `low 0\nhigh 0\nmax 12\noom 1\noom_kill ${kills}\n`,
  'memory.oom_control': (kills) => `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`,
};

for (const [name, text] of Object.entries(FILES)) {
  test(`a kill is read once from ${name}`, () => {
    const file = join(temporaryFolder('portico-oom-'), name);
    writeFileSync(file, text(3));
    const kills = new OomKills(['/missing', file]);
    assert.equal(kills.take(), false);
    writeFileSync(file, text(4));
    assert.deepEqual([kills.take(), kills.take()], [true, false]);
  });
}

test('a kill in another group of the pod is none of this one', () => {
  const mount = temporaryFolder('portico-oom-');
  const own = join(mount, 'pod', 'ctr');
  mkdirSync(own, { recursive: true });
  const count = (folder: string, kills: number): void =>
    writeFileSync(join(folder, 'memory.events'), FILES['memory.events']!(kills));
  count(own, 0);
  count(join(mount, 'pod'), 4);
  const kills = new OomKills(cgroupFiles('', 'memory.events', { mount, groups: '0::/pod/ctr\n' }));
  // The count of a group includes those of the groups in it: cgroup v2.
  count(join(mount, 'pod'), 5);
  assert.equal(kills.take(), false);
  count(own, 1);
  count(join(mount, 'pod'), 6);
  assert.deepEqual([kills.take(), kills.take()], [true, false]);
});
