/** Tests the pages for operators: every command runs in order against a service. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../fixtures/project.js';
import { runPage } from './page.js';

/** The output that shows that a command did what the page says. */
const SAYS: readonly (readonly [command: string, says: RegExp])[] = [
  ['api-cli status', /^compute {2}127\.0\.0\.1:\d+ {2}1 of 1 ready/m],
  ['api-cli requests', /No request is being served/],
  ['/metrics', /^portico_workers_ready\{api="compute"\} 1$/m],
  ['/readyz', /"ready"/],
  ['api-cli service list', /^ID +BINARY +HOST/m],
  ['api-cli report', /compute/],
  ['api-cli explain', /compute_app: a Router of \d+ routes/],
  ['api-cli request ', /^200/m],
  ['api-cli check', /^No mistakes found\.$/m],
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
  const files = { 'portico.ini': ini, 'api-paste.ini': readFileSync(join(root, 'paste', 'api-paste.ini'), 'utf8') };
  await runPage(t, 'docs/operations.md', { files, serve: 'api-cli', ports: [8774, 9100], says: SAYS });
});

test('docs/production.md takes a new project to production', { timeout: 240_000 }, async (t) => {
  await runPage(t, 'docs/production.md', { ports: [8080, 8443, 9100] });
});
