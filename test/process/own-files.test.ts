import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '../fixtures/keeper.js';

const LIB = new URL('../../lib/', import.meta.url);

const PROGRAM = `import { Mapper } from '${new URL('routing/index.js', LIB).href}';
try {
  new Mapper().connect('/a/{id}', { controller: 'c', requirements: { id: '([' } });
} catch ({ origin, stack }) {
  console.log(JSON.stringify({ origin, stack }));
}
`;

for (const flags of [[], ['--enable-source-maps']]) {
  test(`an error is shown at the call of the application, with node ${flags.join(' ')}`, () => {
    const program = join(temporaryFolder('portico-own-files-'), 'app.mjs');
    writeFileSync(program, PROGRAM);
    const { origin, stack } = JSON.parse(execFileSync(process.execPath, [...flags, program], { encoding: 'utf8' })) as {
      origin: unknown;
      stack: string;
    };
    assert.deepEqual(origin, { file: program, line: 3, column: 16 });
    assert.match(
      stack,
      flags.length === 0 ? /lib\/chunks\/routing-worker\.mjs:\d+/ : /src\/routing\/mapper\/mapper\.ts:\d+/,
    );
    assert.ok(stack.includes(pathToFileURL(program).pathname));
  });
}
