import assert from 'node:assert/strict';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { PorticoError } from 'portico/config';
import { errorPages, explainedIn } from '../../dist/modules/index.js';
import { root } from '../fixtures/project.js';

const errors = [
  { code: 'PORTICO_CONFIG_FILE' },
  { code: 'PORTICO_CONFIG_FILE' },
  { code: 'PORTICO_ANSWER_LENGTH' },
  new PorticoError('SHOP_NO_STOCK', { message: 'the shelf is empty' }),
  { code: 'PORTICO_CONFIG' },
];

test('each code has its row of the reference once, and a code of an application has none', () => {
  const page = relative('', join(root, 'docs', 'reference', 'errors.md'));
  const pages = [`${page}#portico_config_file`, `${page}#portico_answer_length`];
  assert.deepEqual(errorPages(errors), pages);
  assert.deepEqual(explainedIn(pages), ['Explained in:', ...pages.map((each) => `  ${each}`)]);
  assert.deepEqual(explainedIn(errorPages([{ code: 'SHOP_NO_STOCK' }])), []);
});
