/** Sections that one of several APIs declares. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject, freePort, runApiCli, startProject } from '../e2e/program.js';
import { command } from './command.js';

/** Each API reads a group; with `named`, the declaration says which, from the import of the module on. */
const appOf = (named: boolean): string => `
import { defineOptions, string } from 'portico/config';
const declared = (group) => defineOptions(${named ? 'group, ' : ''}{ x: string({ help: 'A letter.' }) });
const app = (group) => {
  const options = declared(group);
  return (_global, _local, { config }) => {
    console.error(\`built \${group}\`);
    config.group(group, options);
    return (_req, res) => res.end(group);
  };
};
export const a = app('first');
export const b = app('second');
export const c = (_global, _local, { config }) => {
  console.error('built third');
  const options = defineOptions({ qqqqqqqqqq: string({ help: 'A letter.' }) });
  config.group('DEFAULT', options, { partial: true });
  config.group('api:c', options, { partial: true });
  return (_req, res) => res.end('third');
};
`;
const PASTE = ['a', 'b', 'c'].map((name) => `[app:${name}]\npaste.app_factory = ./app.js:${name}\n`).join('');

/** Returns a project of these APIs, with one worker each. */
async function projectOf(names: readonly string[], rest: string, { named = false } = {}) {
  const ports = await Promise.all(names.map(() => freePort()));
  const sections = names.map((name, at) => `[api:${name}]\nport = ${ports[at]}\nworkers = 1\n`).join('');
  const ini = `[DEFAULT]\nenabled_apis = ${names.join(',')}\n${sections}${rest}`;
  return emptyProject({ 'app.js': appOf(named), 'api-paste.ini': PASTE, 'portico.ini': ini });
}

const builds = (text: string): readonly string[] => text.match(/^built \w+$/gm)?.toSorted() ?? [];
const unknown = (text: string): readonly string[] =>
  [...text.matchAll(/((?:error|warning): \[[\w:]+\](?: \w+)?):? unknown (?:section|option)/g)].map(([, said]) => said!);

test('MI-2 a section that another API declares costs no further build', async (t) => {
  const program = startProject(t, await projectOf(['a', 'b'], '[first]\nx = 1\n[second]\nx = 2\n', { named: true }));
  await program.printed(/"event":"ready"/);
  assert.deepEqual(builds(program.output()), ['built first', 'built second']);
});

test('MI-2 a name that another API only reads is known: a section, and an option of a shared one', async () => {
  const rest = '[first]\nx = 1\n[DEFAULT]\nqqqqqqqqqq = 1\n[api:c]\nqqqqqqqqqq = 1\n';
  const project = await projectOf(['a', 'c'], rest);
  const { status, stdout } = command(['check'], { cwd: project.folder });
  assert.deepEqual([status, unknown(stdout)], [0, []], stdout);
});

test('MI-2 names that no API declares are refused, each once, by a start as by check', async () => {
  const rest = '[first]\nx = 1\n[third]\nx = 3\n[DEFAULT]\nqqqqqqqqqq = 1\nzzzzzzzzzz = 2\n[api:c]\nzzzzzzzzzz = 2\n';
  for (const named of [false, true]) {
    const { folder } = await projectOf(['a', 'c'], rest, { named });
    const outcomes = [command(['check'], { cwd: folder }), ...(named ? [] : [await runApiCli(folder)])];
    for (const { status, stdout, stderr } of outcomes) {
      assert.equal(status, 78, stdout + stderr);
      assert.deepEqual(unknown(stdout + stderr), [
        'error: [third]',
        'error: [DEFAULT] zzzzzzzzzz',
        'error: [api:c] zzzzzzzzzz',
      ]);
    }
  }
});
