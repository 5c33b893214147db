/** The protocol between a parent and its workers has another number when it is another one. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { otherParent, PROTOCOL } from '../../dist/launch/protocol.js';
import { root } from '../fixtures/project.js';

/** Declarations of what is sent, and the file of each; all of a file that has only messages. */
const SENT: Readonly<Record<string, readonly string[] | undefined>> = {
  'launch/worker-message': undefined,
  'launch/launcher-options': ['LaunchSettings'],
  'config/state': ['NamedPath', 'SourcePaths', 'SourceFile', 'Argument', 'Sources', 'Written', 'ConfigSnapshot'],
};

test('NI-7 a change of what a parent and its workers send raises PROTOCOL', () => {
  const declared = Object.entries(SENT).flatMap(([file, names]) => {
    const text = readFileSync(join(root, 'dist', `${file}.d.ts`), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    return names === undefined
      ? text
      : names.map((name) => new RegExp(`interface ${name} [\\s\\S]*?\\n}`).exec(text)![0]);
  });
  const code = declared.join(' ').replaceAll(/\s+/g, ' ');
  const known = { protocol: 2, digest: '7509df98e4652ca9' };
  assert.deepEqual(
    { protocol: PROTOCOL, digest: createHash('sha256').update(code).digest('hex').slice(0, 16) },
    known,
    'raise PROTOCOL if a parent or worker of the last release would not understand this; then write number and digest here',
  );
});

test('NI-7 a worker names both versions', () => {
  const said = (version: string | undefined): string => otherParent({ version }, '0.2.0');
  assert.equal(said('0.1.0'), 'worker of Portico 0.2.0 for a parent of Portico 0.1.0: restart the service');
  assert.equal(
    said('0.2.0'),
    'worker of Portico 0.2.0 for a parent of another build of Portico 0.2.0: restart the service',
  );
  assert.equal(said(undefined), 'worker of Portico 0.2.0 for a parent of an earlier Portico: restart the service');
});
