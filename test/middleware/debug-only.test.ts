import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authToken, debug } from 'portico/middleware';
import { buildFilter } from 'portico/testing';
import { filesUntilEnd } from '../fixtures/until-end.js';

test('MW-49 MW-32 what is for debugging alone loads only while debugging, and says what to do', async (t) => {
  const files = await filesUntilEnd(t, { 'tokens.json': '{}' });
  const local = { validator: 'static', static_tokens_file: files.path('tokens.json') };
  for (const config of ['', '[DEFAULT]\ndebug = false\n']) {
    await assert.rejects(async () => buildFilter(debug, { config }), {
      code: 'PORTICO_DEBUG_OFF',
      hint: 'Write debug = true in [DEFAULT] of portico.ini, or remove the filter.',
    });
    await assert.rejects(async () => buildFilter(authToken, { config, local }), { code: 'PORTICO_DEBUG_OFF' });
  }
  const config = '[DEFAULT]\ndebug = true\n';
  await buildFilter(debug, { config });
  t.after((await buildFilter(authToken, { config, local })).close);
});
