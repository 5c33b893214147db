/** Parts of the status that extensions of others tell, right and wrong ones. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { extensionParts } from '../../../dist/operating/control/extension-parts.js';
import { emptyProject } from '../../fixtures/project.js';

const STATUS: Readonly<Record<string, string>> = {
  right: "{ lines: ['3 messages'], data: { messages: 3 } }",
  number: '{ lines: 5 }',
  none: 'null',
  silent: 'undefined',
  named: "{ lines: [7], name: 'other' }",
  circle: '{ lines: [], data: globalThis }',
};
const { folder } = emptyProject({
  'p.ini': `[DEFAULT]\nextensions = ${Object.keys(STATUS)
    .map((name) => `./${name}.js`)
    .join(', ')}\n`,
  ...Object.fromEntries(
    Object.entries(STATUS).map(([name, part]) => [
      `${name}.js`,
      `export const extension = { name: '${name}', status: async () => ({ status: async () => (${part}) }) };\n`,
    ]),
  ),
  'misspelt.ini': '[DEFAULT]\nextensions = ./misspelt.js\n',
  'misspelt.js': "export const extension = { name: 'misspelt', status: async () => ({ states() {} }) };\n",
});

test('a part of the status has lines and data; a wrong one is a line that says so, and the others are shown', async () => {
  const config = await Config.load({ files: [`${folder}/p.ini`], argv: false, env: {} });
  const [circle, ...parts] = (await extensionParts({ config })).toReversed();
  assert.deepEqual(parts.toReversed(), [
    { name: 'right', lines: ['3 messages'], data: { messages: 3 } },
    { name: 'number', lines: ['its status is unknown: its lines are the number 5, not a list of texts'] },
    { name: 'none', lines: ['its status is unknown: its lines are undefined, not a list of texts'] },
    { name: 'named', lines: ['7'] },
  ]);
  assert.match(circle!.lines.join(), /^its status is unknown: Converting circular structure to JSON/);
});

test('a part whose module has no status() says what it exports', async () => {
  const config = await Config.load({ files: [`${folder}/misspelt.ini`], argv: false, env: {} });
  const lines = ['its status is unknown: its module has no status(): it exports async function status(config) { … }'];
  assert.deepEqual(await extensionParts({ config }), [{ name: 'misspelt', lines }]);
});
