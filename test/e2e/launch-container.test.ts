/** `api-cli` as in the generated image: process 1, any user of group 0, no capability, and nothing to write to but the declared volumes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { ask } from './clients.js';
import { childrenOf } from './faults/target.js';
import { apiCli, emptyProject, freePort, Program, untilEnd } from './program.js';
import { pidProject } from './projects.js';

/**
 * Mounts the project at /mnt, makes the directories of the image by its own command, and all else read-only; then runs the rest of the
 * words.
 */
const CONTAINER = `set -e
project=$1 make=$2 volumes=$3; shift 3
mount --make-rprivate /
mount --bind "$project" /mnt
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /run
eval "$make"
for each in /mnt /var/lib /run /; do mount -o remount,bind,ro $each; done
for each in $volumes; do mount -t tmpfs -o "$(stat -c uid=%u,gid=%g,mode=%a $each)" tmpfs $each; done
cd /mnt
exec "$@"`;
const SPACES = ['--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
const AS_ANYONE = [
  'setpriv',
  '--reuid',
  '12345',
  '--regid',
  '0',
  '--clear-groups',
  '--bounding-set=-all',
  '--no-new-privs',
];

const tried = spawnSync('unshare', [
  ...SPACES,
  'sh',
  '-c',
  CONTAINER,
  'sh',
  '/',
  'mkdir /run/a',
  '/run/a',
  ...AS_ANYONE,
  process.execPath,
  '-v',
]);
const skip = tried.status === 0 ? false : 'this machine gives no namespaces, or its Node is closed to other users';

test('KU-10 in a read-only container of any user api-cli serves, is asked for its status, logs lines of JSON alone, and writes to its volumes only', {
  skip,
}, async (t) => {
  const port = await freePort();
  const project = emptyProject(pidProject(port, 1));
  chmodSync(project.folder, 0o755);
  const { stdout: image } = await commandBeside(['generate', 'docker'], { cwd: project.folder });
  const [, assigned = ''] = /^ENV (.*)$/m.exec(image) ?? [];
  const env = Object.fromEntries(assigned.split(' ').map((each) => each.split('=') as [string, string]));
  const [, make = '', volumes = ''] = /^RUN (mkdir -p (.*?) &&.*)$/m.exec(image) ?? [];
  const words = [...AS_ANYONE, process.execPath, apiCli];
  const program = untilEnd(
    t,
    new Program(
      'unshare',
      [...SPACES, 'sh', '-c', CONTAINER, 'sh', project.folder, make.replace('node', '1000'), volumes, ...words],
      { env },
    ),
  );
  await program.printed(/"event":"ready"/);
  assert.equal(program.stdout, '', 'all that is said is a line of the log');
  const [init] = childrenOf(program.pid);
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 200);
  // As kubectl exec runs it.
  const spaces = ['--target', String(init), '--mount', '--pid', '--wd=/mnt'];
  const status = spawnSync('nsenter', [...spaces, ...words, 'status'], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  assert.match(status.stdout, /^hello\b.*\b1 of 1 ready\b/m, status.stderr);
  const [, probe = ''] = /^ {2}CMD (\[.*)$/m.exec(image) ?? [];
  const asked = [...AS_ANYONE, process.execPath, ...(JSON.parse(probe) as string[]).slice(1)];
  assert.equal(
    spawnSync('nsenter', [...spaces, ...asked], { env: { ...process.env, ...env } }).status,
    0,
    'HEALTHCHECK',
  );
  process.kill(init!, 'SIGTERM');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
  assert.doesNotMatch(program.output(), /EROFS|EACCES|"level":"(?:warn|error)"/);
});
