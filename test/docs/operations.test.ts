/** Tests the pages for operators: every command runs in order against a service. */

import assert from 'node:assert/strict';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../cli/command.js';
import { emptyProject } from '../e2e/program.js';
import { root } from '../fixtures/project.js';
import { samplePaste } from '../fixtures/sample.js';
import { blocksOf, runPage } from './page.js';

/** The output that shows that a command did what the page says. */
const SAYS: readonly (readonly [command: string, says: RegExp])[] = [
  ['api-cli status', /^compute {2}127\.0\.0\.1:\d+ {2}1 of 1 ready/m],
  ['api-cli requests', /No request is being served/],
  ['/metrics', /^portico_workers_ready\{api="compute"\} 1$/m],
  ['/readyz', /"ready"/],
  ['api-cli service list', /^ID +BINARY +HOST/m],
  ['api-cli report', /compute/],
  ['api-cli explain', /action Servers\.index: would be called: the request is valid/],
  ['api-cli check', /^.* warning: \[filter:noauth\] noauth is on[\s\S]*^0 errors, 1 warning\.$/m],
  ['api-cli config show --running', /^\[metrics\] enabled = true {2}\(portico\.ini:/m],
  ['api-cli reload --dry-run', /^would be accepted/m],
  ['api-cli log-level debug', /The log level of compute is debug/],
  ['api-cli log-level info', /The log level of compute is info/],
  ['api-cli restart', /compute: 1 worker replaced/],
  ['api-cli scale', /compute has 2 workers/],
  ['api-cli reload', /^accepted/m],
  ['api-cli stop', /Stopping: open requests finish first\./],
];

test('every command of docs/operations.md does what the page says, to the stop', { timeout: 240_000 }, async (t) => {
  const ini =
    '[DEFAULT]\nenabled_apis = compute\n[api]\nauth_strategy = noauth\n[api:compute]\nport = 8774\nworkers = 1\n[admin]\nlisten = 127.0.0.1:9100\n[metrics]\nenabled = yes\n[servicegroup]\nconnection = sqlite:///services.db\n';
  const files = { 'portico.ini': ini, 'api-paste.ini': samplePaste() };
  await runPage(t, 'docs/operations.md', { files, serve: 'api-cli', ports: [8774, 9100], says: SAYS });
});

test('docs/production.md takes a new project to production', { timeout: 240_000 }, async (t) => {
  await runPage(t, 'docs/production.md', { ports: [8080, 8443, 9100] });
});

test('docs/operate/reload.md does what it says', { timeout: 240_000 }, async (t) => {
  await runPage(t, 'docs/operate/reload.md', { ports: [8443] });
});

/** The files that the examples of filters name. */
const NAMED = {
  'tokens.js': 'export const validator = () => ({ validate: async () => null });\n',
  'users.htpasswd': `alice:$2b$10$${'a'.repeat(53)}\n`,
  'public/index.html': 'hello\n',
  'node_modules/express-slow-down/package.json': '{ "main": "index.js" }',
  'node_modules/express-slow-down/index.js': 'module.exports = () => (req, res, next) => next();\n',
};

test('every example in docs/reference/filters passes api-cli check', () => {
  const pages = readdirSync(join(root, 'docs/reference/filters')).map((page) => `docs/reference/filters/${page}`);
  const [paste, ini] = pages
    .flatMap(blocksOf)
    .filter(({ language }) => language === 'ini')
    .map(({ text }) => text.split('# in portico.ini\n'))
    .reduce(([all, options], [sections = '', own = '']) => [all + sections, options + own], ['', '']) as [
    string,
    string,
  ];
  const filters = [...paste.matchAll(/^\[filter:(\w+)\]/gm)].map(([, name]) => name!);
  const open = filters.filter((name) => name !== 'noauth');
  const pipelines = open.map((name) => `[pipeline:p_${name}]\npipeline = ${name} echo\n`).join('');
  const apis = ['health', 'files', ...open.map((name) => `p_${name}`)];
  const project = emptyProject({
    ...NAMED,
    'api-paste.ini': `${paste}${pipelines}[app:echo]\npaste.app_factory = portico/middleware:echo\n`,
    'portico.ini': `${ini}${apis.map((name) => `[api:${name}]\nport = 0\n`).join('')}`,
  });
  chmodSync(join(project.folder, 'users.htpasswd'), 0o600);
  const { stdout, stderr } = command(['check', '--json'], { cwd: project.folder });
  const found = JSON.parse(stdout) as readonly { readonly code: string; readonly message: string }[];
  assert.ok(filters.length >= 10, String(filters.length));
  assert.deepEqual(
    found.map(({ code, message }) => `${code} ${message}`),
    ['PORTICO_PASTE_UNUSED_SECTION this filter is not used.'],
    stderr,
  );
});
