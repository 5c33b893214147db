import assert from 'node:assert/strict';
import { chmodSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keptCertificate } from '../../../dist/server/api/api-tls.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { makePair } from '../certificate-files.js';

test('a development certificate is kept for its user alone, and none that others planted is served or written through', async () => {
  const folder = temporaryFolder('portico-state-');
  chmodSync(folder, 0o1777);
  const file = join(folder, 'development-localhost.pem');
  const victim = join(folder, 'victim');
  const planted = Object.values(await makePair()).join('\n');
  writeFileSync(victim, planted, { mode: 0o600 });

  symlinkSync(victim, file);
  const first = await keptCertificate(folder, 'localhost');
  assert.notEqual(first.cert, planted);
  assert.equal(readFileSync(victim, 'utf8'), planted);
  assert.equal(lstatSync(file).isSymbolicLink(), false);
  assert.equal(lstatSync(file).mode & 0o777, 0o600);
  assert.equal((await keptCertificate(folder, 'localhost')).cert, first.cert);

  // A file that others may write.
  writeFileSync(file, planted);
  chmodSync(file, 0o666);
  const second = await keptCertificate(folder, 'localhost');
  assert.notEqual(second.cert, planted);
  assert.equal(lstatSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder).toSorted(), ['development-localhost.pem', 'victim']);
});
