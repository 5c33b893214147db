import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLASSES, RULES } from '../../dist/plan/rules.js';
import { root } from '../fixtures/project.js';

test('the page lists each rule under its class', () => {
  const page = readFileSync(join(root, 'docs/how-to/review-changes.md'), 'utf8');
  const headings = { breaking: 'Breaking', 'to look at': 'To look at', compatible: 'Compatible' } as const;
  for (const one of CLASSES) {
    const part = page.split(`**${headings[one]}**:\n\n`)[1]!.split('\n\n')[0]!;
    const listed = part.split('\n').map((line) => line.replace(/^- /, '').replace(/[;.]$/, ''));
    const rules = Object.values(RULES).filter((rule) => rule.class === one);
    assert.deepEqual(
      listed,
      rules.map(({ what }) => what),
    );
  }
});
