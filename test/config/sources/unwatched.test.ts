/** Files in a folder that the system cannot watch. */
import assert from 'node:assert/strict';

import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { watchFiles } from '#internal/config';
import { temporaryFolder } from '../../fixtures/keeper.js';

test('LC-331 a folder that cannot be watched is named, and looked at again and again', async () => {
  const events = new EventEmitter();
  const folder = join(temporaryFolder('portico-unwatched-'), 'missing');
  const named: string[] = [];
  const looked = once(events, 'look');
  const stop = watchFiles([join(folder, 'portico.ini')], () => events.emit('look'), {
    pollMs: 10,
    unwatched: (path, error) => named.push(`${path} ${(error as { code: string }).code}`),
  });
  // The looks do not keep a process alive.
  const alive = setInterval(() => undefined, 1000);
  await looked;
  clearInterval(alive);
  stop();
  assert.deepEqual(named, [`${folder} ENOENT`]);
});
