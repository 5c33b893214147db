import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Difference } from '../../dist/plan/difference.js';
import { markdownOf } from '../../dist/plan/print-markdown.js';
import { textOf } from '../../dist/plan/print-text.js';

const route = (subject: string, more: Partial<Difference> = {}): Difference => ({
  class: 'breaking',
  change: 'changed',
  rule: 'security-added',
  api: 'bookings',
  subject,
  route: subject,
  text: 'requires basic now',
  value: null,
  effect: null,
  old: 'app.js:1',
  new: 'app.js:2',
  ...more,
});

test('the same difference of many routes is one line, and routes with a note have their own', () => {
  const all = ['GET /a', 'GET /b', 'GET /c', 'GET /d', 'GET /e'].map((each) => route(each));
  assert.equal(
    textOf(all, ({ subject }) => (subject === 'GET /b' ? '3 of 7 requests would get 401' : undefined)),
    `Breaking
  ~ 4 routes of bookings  requires basic now
  ~ GET /b                requires basic now  3 of 7 requests would get 401  app.js:2
5 breaking · exit status 3`,
  );
  assert.equal(textOf(all.slice(0, 3)).split('\n').length, 5);
});

test('Markdown: tables by class, compatible ones folded, and text of an application is escaped', () => {
  const look = route('GET /|', { class: 'to look at', rule: 'deprecated', text: 'a | <b> `c` @d' });
  const fine = route('[wsgi] max_queue', {
    class: 'compatible',
    route: null,
    text: '1 -> 2',
    effect: 'applied by a reload',
  });
  assert.equal(
    markdownOf([route('GET /a'), look, fine], { before: 'main', after: 'HEAD' }),
    `### ❌ API: \`main\` → \`HEAD\`

**Breaking**

| | | | |
| --- | --- | --- | --- |
| \`GET /a\` | requires basic now |  | \`app.js:2\` |

**To look at**

| | | | |
| --- | --- | --- | --- |
| \`GET /\\|\` | a \\| \\<b\\> \\\`c\\\` \\@d |  | \`app.js:2\` |

<details><summary>1 compatible</summary>

| | | | |
| --- | --- | --- | --- |
| \`[wsgi] max_queue\` | 1 -\\> 2 | applied by a reload | \`app.js:2\` |

</details>

1 breaking, 1 to look at, 1 compatible · exit status 3`,
  );
  assert.equal(markdownOf([], { before: 'main', after: 'HEAD' }), '### ✅ API: `main` → `HEAD`\n\nNo differences.');
});
