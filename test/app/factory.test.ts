import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterFactory } from 'portico/app';
import { Config, type OptionDeclarations } from 'portico/config';
import { authToken, basicAuth, cors, proxyHeaders, rateLimit, staticFilesFilter } from 'portico/middleware';
import { buildFilter } from 'portico/testing';
import { filesUntilEnd } from '../fixtures/until-end.js';

const issues = [
  [rateLimit, 'rate_limit', 'rules = all nothing 1/h'],
  [basicAuth, 'basic_auth', 'user_file = /none/htpasswd'],
  [proxyHeaders, 'proxy_headers', 'trusted_proxies = nowhere'],
  [cors, 'cors', 'allowed_origin = nowhere'],
  [staticFilesFilter, 'static_files', 'document_root = /none'],
  [authToken, 'auth_token', 'validator = nowhere'],
] as const;

for (const [factory, group, line] of issues) {
  test(`an error in [${group}] of the service configuration is reported where it was written`, async (t) => {
    const files = await filesUntilEnd(t, { 'portico.ini': `[DEFAULT]\n[${group}]\n\n${line}\n` });
    const config = await Config.load({ argv: ['--config-file', files.path('portico.ini')], env: {} });
    const place = (error: { origin?: { file: string; line: number } }): boolean => {
      assert.deepEqual([error.origin?.file, error.origin?.line], [files.path('portico.ini'), 4]);
      return true;
    };
    await assert.rejects(async () => buildFilter(factory, { config }), place);
  });
}

test('what is no declaration of an option is refused where the factory is declared', () => {
  const options = { header: { type: 'string', default: 'x-shout' } } as unknown as OptionDeclarations;
  assert.throws(() => filterFactory('shout', options, () => (app) => app), {
    code: 'PORTICO_OPTION_DECLARATION',
    message: /option header/,
  });
});
