/** Edits of a project, and what `plan` says of each: recorded in a text file, which PORTICO_RECORD=1 writes anew. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareStates } from '../../dist/plan/compare-states.js';
import { RULES } from '../../dist/plan/rules.js';
import type { State } from '../../dist/plan/state.js';
import { root } from '../fixtures/project.js';

export type Edit = readonly [file: string, from: string, to: string];
type StateOf = (folder: string) => State | Promise<State>;

/** Returns a copy of a directory with some edits: modules of a directory are loaded once. */
function edited(folder: string, name: string, edits: readonly Edit[]): string {
  const copy = join(folder, '..', name);
  rmSync(copy, { recursive: true, force: true });
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
  for (const [file, from, to] of edits) {
    const text = readFileSync(join(copy, file), 'utf8');
    assert.ok(text.includes(from), `${file} has ${from}`);
    writeFileSync(join(copy, file), text.replace(from, to));
  }
  return copy;
}

/** Adds tests for edits of a project, of each alone or of those with one title together. `record`: a file below `test`. */
export function checkEdits(
  edits: readonly Edit[] | Readonly<Record<string, readonly Edit[]>>,
  folder: string,
  stateOf: StateOf,
  record: string,
): void {
  const path = join(root, 'test', record);
  const isWritten = process.env.PORTICO_RECORD === '1';
  const blocks = isWritten ? [] : readFileSync(path, 'utf8').split(/^(?=\S)/m);
  const known = new Map(blocks.map((block) => [block.split('\n', 1)[0]!, block]));
  const tried = Array.isArray(edits)
    ? edits.map((edit: Edit): [string, readonly Edit[]] => [
        `${edit[0]}: ${JSON.stringify(edit[1])} -> ${JSON.stringify(edit[2])}`,
        [edit],
      ])
    : Object.entries(edits as Readonly<Record<string, readonly Edit[]>>);
  let before: State | undefined;
  for (const [at, [title, together]] of tried.entries()) {
    test(title, async () => {
      before ??= await stateOf(folder);
      const found = compareStates(before, await stateOf(edited(folder, `edit-${at}`, together)));
      for (const { rule, class: is } of found) assert.equal(is, RULES[rule as keyof typeof RULES].class);
      const lines = found.map(({ rule, subject, text }) => `${rule} | ${subject} | ${text}`);
      const block = `${[title, ...lines].join('\n').replaceAll('\n', '\n  ')}\n`;
      if (isWritten) writeFileSync(path, [...known.set(title, block).values()].join(''));
      assert.equal(block, known.get(title));
    });
  }
  if (!isWritten)
    assert.deepEqual(
      [...known.keys()],
      tried.map(([title]) => title),
    );
}
