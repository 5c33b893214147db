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
