import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { missingFileHint } from '../../dist/server/missing-file.js';
import { filesUntilEnd } from '../fixtures/until-end.js';

test('RL-92 for a file that is not there the nearest name is offered, else some of its kind, else nothing', async (t) => {
  const files = await filesUntilEnd(t, { 'api-paste.ini': '', 'a.pem': '', 'b.pem': '', 'c.pem': '', 'd.pem': '' });
  assert.equal(missingFileHint(files.path('api-pasta.ini'), '.pem'), 'Did you mean "api-paste.ini"?');
  const others = [files.path('b.pem')];
  assert.equal(missingFileHint(files.path('certificate'), '.pem', others), 'There is a.pem, c.pem, d.pem.');
  assert.equal(missingFileHint(files.path('certificate'), '.key'), undefined);
  assert.equal(missingFileHint(files.path('nowhere/cert.pem'), '.pem'), undefined);
});

test('a link that leads to no file is named with its target', async (t) => {
  const files = await filesUntilEnd(t, { 'other.ini': '' });
  symlinkSync('releases/7/paste.ini', files.path('paste.ini'));
  assert.equal(missingFileHint(files.path('paste.ini')), 'It is a link to releases/7/paste.ini, where no file is.');
  symlinkSync('circle.ini', files.path('circle.ini'));
  assert.equal(missingFileHint(files.path('circle.ini')), 'It is a link to circle.ini, where no file is.');
});
