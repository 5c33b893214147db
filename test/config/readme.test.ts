import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Config, defineOptions, string } from 'portico/config';

const readme = readFileSync(new URL('../../docs/reference/config.md', import.meta.url), 'utf8');

test('the file of the README is read as the README says', () => {
  const ini = /```ini\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const text = (more: object = {}) => string({ default: '', help: 'x', ...more });
  const options = defineOptions({ port: text(), listen: text(), greeting: text(), url: text(), filters: text() });
  const config = Config.fromText(ini);
  config.register('DEFAULT', { host: string({ default: 'here', help: 'x' }) });
  assert.deepEqual(
    { ...config.api('compute', options) },
    {
      port: '8774',
      listen: '127.0.0.1',
      greeting: '  quotes keep blanks  ',
      url: 'http://here:8774/    ; this is part of the value',
      filters: 'one,\ntwo',
    },
  );
});
