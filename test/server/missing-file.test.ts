import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempConfig } from 'portico/testing';
import { missingFileHint } from '../../dist/server/missing-file.js';

test('RL-92 for a file that is not there the nearest name is offered, else some of its kind, else nothing', async (t) => {
  const files = await tempConfig({ 'api-paste.ini': '', 'a.pem': '', 'b.pem': '', 'c.pem': '', 'd.pem': '' });
  t.after(() => files.remove());
  assert.equal(missingFileHint(files.path('api-pasta.ini'), '.pem'), 'Did you mean "api-paste.ini"?');
  const others = [files.path('b.pem')];
  assert.equal(missingFileHint(files.path('certificate'), '.pem', others), 'There is a.pem, c.pem, d.pem.');
  assert.equal(missingFileHint(files.path('certificate'), '.key'), undefined);
  assert.equal(missingFileHint(files.path('nowhere/cert.pem'), '.pem'), undefined);
});
