/** What `api-cli openapi` prints of the sample, held against the schema of OpenAPI 3.1 by a validator of others. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Document {
  readonly info: { readonly title: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>;
}

test('RT-202 OP-70 the OpenAPI of the sample is valid, says a public validator', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-openapi-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const words = ['--config-file', join(root, 'paste/portico.ini'), '--set', `DEFAULT.state_path=${folder}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'lib/cli/main.js'), 'openapi', ...words], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.equal(status, 0, stderr);
  const printed = JSON.parse(stdout) as Document | Document[];
  const documents = [printed].flat();
  assert.ok(documents.some(({ info, paths }) => info.title === 'compute' && Object.keys(paths).length > 30));
  for (const document of documents) {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document) as object as Record<string, unknown>);
    assert.equal(valid, true, `${document.info.title}: ${JSON.stringify(errors)}`);
    assert.equal(validator.version, '3.1');
    const [operation] = Object.values(document.paths).flatMap((item) => Object.values(item));
    operation!.parameters = [{ name: 'without a place' }];
    const broken = await new Validator().validate(document as object as Record<string, unknown>);
    assert.equal(broken.valid, false, 'the validator looks at operations');
  }
});
