import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { composed } from '../composed.js';
import { MEMBERS, recording } from '../recording.js';

test('PD-97 MW-41 byOption builds the pipeline that the configuration names', async (t) => {
  const { calls, factories } = recording(false);
  const ini = `[composite:main]\npaste.composite_factory = byOption\nkeystone = f1 a\nnoauth2 = f2 a\n${MEMBERS}`;
  await composed(t, ini, factories, { config: Config.fromText('[api]\nauth_strategy = noauth2\n') });
  assert.deepEqual(calls, ['app a', 'applied f2']);
  calls.length = 0;
  await composed(t, ini, factories);
  assert.deepEqual(calls, ['filter f1', 'app a', 'applied f1']);
  await assert.rejects(composed(t, ini, factories, { config: Config.fromText('[api]\nauth_strategy = noauth\n') }), {
    code: 'PORTICO_PASTE_MISSING_KEY',
    hint: 'Did you mean "noauth2"? Set [api] auth_strategy to one of them.',
  });
});
