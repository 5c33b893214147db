/** Sections that one of several APIs declares. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject, freePort, startProject } from '../e2e/program.js';

const APP = `
import { defineOptions, string } from 'portico/config';
const app = (group) => (_global, _local, { config }) => {
  console.error(\`built \${group}\`);
  config.group(group, defineOptions({ x: string({ help: 'A letter.' }) }));
  return (_req, res) => res.end(group);
};
export const a = app('first');
export const b = app('second');
`;
const PASTE = '[app:a]\npaste.app_factory = ./app.js:a\n[app:b]\npaste.app_factory = ./app.js:b\n';

test('MI-2 a section is unknown if no API declares it, and a section of another API costs no further build', async (t) => {
  const [one, other] = [await freePort(), await freePort()];
  const ini = `[DEFAULT]\nenabled_apis = a,b\n[api:a]\nport = ${one}\nworkers = 1\n[api:b]\nport = ${other}\nworkers = 1\n[first]\nx = 1\n[second]\nx = 2\n[third]\nx = 3\n`;
  const project = emptyProject({ 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': ini });
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  const text = program.output();
  assert.deepEqual(
    [...text.matchAll(/warning: \[(\w+)\] unknown section/g)].map(([, name]) => name),
    ['third'],
  );
  assert.deepEqual(text.match(/^built \w+$/gm)?.sort(), ['built first', 'built second']);
});

test('MI-2 a name of [DEFAULT] that one API declares is known, another one is told once, and neither costs a further build', async (t) => {
  const [one, other] = [await freePort(), await freePort()];
  const app = `${APP}
export const c = (_global, _local, { config }) => {
  console.error('built third');
  config.group('DEFAULT', defineOptions({ qqqqqqqqqq: string({ help: 'A letter.' }) }), { partial: true });
  return (_req, res) => res.end('third');
};
`;
  const paste = `${PASTE}[app:c]\npaste.app_factory = ./app.js:c\n[filter:idle]\npaste.filter_factory = ./app.js:a\n`;
  const ini = `[DEFAULT]\nenabled_apis = a,c\nqqqqqqqqqq = 1\nzzzzzzzzzz = 2\n[api:a]\nport = ${one}\nworkers = 1\n[api:c]\nport = ${other}\nworkers = 1\n`;
  const program = startProject(t, emptyProject({ 'app.js': app, 'api-paste.ini': paste, 'portico.ini': ini }));
  await program.printed(/"event":"ready"/);
  const text = program.output();
  assert.deepEqual(
    [...text.matchAll(/warning: \[DEFAULT\] (\w+): unknown option/g)].map(([, name]) => name),
    ['zzzzzzzzzz'],
  );
  assert.match(text, /this filter is not used/);
  assert.deepEqual(text.match(/^built \w+$/gm)?.sort(), ['built first', 'built third']);
});
