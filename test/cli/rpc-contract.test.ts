/** `api-cli rpc contract`: the interface of a service, and the changes that break the last release's interface. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, type Outcome } from '../fixtures/project.js';
import { command } from './command.js';

const IMAGES = `
import { rpc } from 'portico/rpc';
class Health {
  target = { namespace: 'health', version: '2.0' };
  check() {}
}
export class Images {
  target = { version: '1.4' };
  additionalEndpoints = [new Health()];
  constructor({ rpc, registry }) { rpc.client({ topic: 'disks' }); }
  initHost() { throw new Error('nothing is started'); }
  resize() {}
  size() {}
}
const [id, to] = [{ type: 'string' }, { type: 'integer' }];
rpc({ args: { properties: { id, to }, required: ['id'] } })(Images.prototype.resize);
`;

interface Project {
  readonly run: (...words: string[]) => Outcome;
  readonly write: (name: string, text: string) => void;
}

function project(ini = ''): Project {
  const { folder } = emptyProject({
    'images.js': IMAGES,
    'portico.ini': `[service:images]\nmanager = ./images.js:Images\n${ini}`,
  });
  let anew = false;
  return {
    run: (...words) => {
      const outcome = command(['rpc', 'contract', ...words], { cwd: folder, anew });
      anew = false;
      return outcome;
    },
    write: (name, text) => {
      writeFileSync(join(folder, name), text);
      anew = true;
    },
  };
}

test('RP-45 the contract of a service has its interfaces, versions, methods and the schemas of their arguments', async () => {
  const { run } = project();
  const shown = run('images');
  assert.deepEqual([shown.status, shown.stderr], [0, '']);
  assert.equal(
    shown.stdout,
    [
      'INTERFACE  VERSION  METHOD  ARGUMENTS',
      '-          1.4      resize  id, to?',
      '-          1.4      size    any',
      'health     2.0      check   any',
      '',
    ].join('\n'),
  );
  const [id, to] = [{ type: 'string' }, { type: 'integer' }];
  assert.deepEqual(JSON.parse(run('images', '--json').stdout), {
    schema: 'portico/rpc-contract',
    version: 1,
    service: 'images',
    topic: 'images',
    interfaces: [
      {
        namespace: null,
        version: '1.4',
        methods: { resize: { properties: { id, to }, required: ['id'] }, size: null },
      },
      { namespace: 'health', version: '2.0', methods: { check: null } },
    ],
  });
});

test('RP-11 RP-45 a contract has what [rpc] access_policy exposes', async () => {
  const { run } = project('[rpc]\naccess_policy = explicit\n');
  const { interfaces } = JSON.parse(run('images', '--json').stdout) as { interfaces: { methods: object }[] };
  const methods = interfaces.map(({ methods }) => methods);
  assert.deepEqual(methods, [{}, {}]);
});
