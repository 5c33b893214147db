import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempConfig } from 'portico/testing';
import { filesUntilEnd } from '../fixtures/until-end.js';

test('files of a test stay in its folder', async (t) => {
  const files = await filesUntilEnd(t, { 'etc/app.ini': '' });
  const outside = { code: 'PORTICO_FILE_OUTSIDE' };
  for (const name of ['../escape', 'a/../../escape', '/etc/escape', '..']) {
    await assert.rejects(tempConfig({ [name]: '' }), outside, name);
    await assert.rejects(files.write(name, ''), outside, name);
    assert.throws(() => files.path(name), outside, name);
  }
  assert.ok(!existsSync(join(files.folder, '../escape')));
});
