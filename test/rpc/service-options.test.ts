import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { RPCService, type RPCServiceOptions } from 'portico/rpc';
import { temporaryFolder } from '../fixtures/keeper.js';
import { recordedLog } from '../tasks/recorded-log.js';

const folder = temporaryFolder('rpc-');

const { log } = recordedLog();

function create(options: RPCServiceOptions = {}): RPCService {
  return RPCService.create({ binary: 'portico-images', manager: {}, registration: null, log, ...options });
}

async function configured(text: string): Promise<Config> {
  const file = join(folder, `portico-${Math.random()}.ini`);
  writeFileSync(file, text, { mode: 0o600 });
  return Config.load({ files: [file], env: {}, argv: [] });
}

test('MG-1 LC-1321 LC-1322 host and binary: of the configuration and the command, unless they are given', async () => {
  const argv = ['/usr/bin/node', '/opt/app/portico-images.mjs'];
  const usual = RPCService.create({ argv, manager: {}, log });
  assert.deepEqual([usual.host, usual.binary, usual.topic], [hostname(), 'portico-images', 'images']);
  const config = await configured('[DEFAULT]\nhost = north-1\n');
  assert.equal(create({ config, host: null }).host, 'north-1');
  assert.equal(create({ config, host: 'south-2' }).host, 'south-2');
  assert.equal(create({ binary: 'other', argv }).binary, 'other');
});

test('LC-1322 a script that its package names in bin is called as there', () => {
  const project = join(folder, 'packed');
  mkdirSync(join(project, 'dist'), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "name": "@x/y", "bin": { "portico-volume": "./dist/main.js" } }');
  writeFileSync(join(project, 'dist', 'main.js'), '');
  writeFileSync(join(project, 'dist', 'package.json'), '{ "type": "module" }');
  symlinkSync(join(project, 'dist', 'main.js'), join(project, 'link'));
  for (const script of [join(project, 'dist', 'main.js'), join(project, 'link')]) {
    const service = RPCService.create({ argv: ['node', script], manager: {}, log });
    assert.deepEqual([service.binary, service.topic], ['portico-volume', 'volume']);
  }
  for (const odd of ['null', '{ "name": "y", "bin": null }', '[]']) {
    writeFileSync(join(project, 'package.json'), odd);
    assert.equal(RPCService.create({ argv: ['node', join(project, 'link')], manager: {}, log }).binary, 'link');
  }
});

test('MG-1 LC-1323 MG-59 the topic is what follows the last <project>- of the binary, and without one the whole of it', () => {
  const topics = [
    ['portico-compute', undefined, 'compute'],
    ['nova-compute', 'nova', 'compute'],
    ['nova-compute', undefined, 'nova-compute'],
    ['old-nova-cell-nova-scheduler', 'nova', 'scheduler'],
    ['conductor', 'nova', 'conductor'],
  ] as const;
  for (const [binary, project, topic] of topics) {
    assert.equal(create({ binary, ...(project && { project }) }).topic, topic, binary);
  }
  assert.equal(create({ topic: 'given' }).topic, 'given');
});

test('MG-1 options that cannot be are refused when the service is made', () => {
  const refused = (options: object, code: string): void => {
    assert.throws(() => create(options as RPCServiceOptions), { code });
  };
  refused({ manager: [] }, 'PORTICO_MANAGER');
  for (const options of [
    { workers: 0 },
    { workers: '2' },
    { version: -1 },
    { send: 5 },
    { context: {} },
    { name: '' },
    { log: {} },
    { log: 'stderr' },
  ]) {
    refused(options, 'PORTICO_RPC_OPTION');
  }
  assert.throws(() => create({ worker: 2 } as RPCServiceOptions), { hint: 'Did you mean "workers"?' });
  assert.equal(create({ workers: 2, version: 3 }).workers, 2);
});
