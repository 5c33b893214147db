/** Edits of a project, each with what `plan` says of it. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareStates } from '../../dist/plan/compare-states.js';
import type { Difference } from '../../dist/plan/difference.js';
import { RULES } from '../../dist/plan/rules.js';
import type { State } from '../../dist/plan/state.js';

type Said = readonly [rule: string, subject: string, text: string | RegExp];
export type Edit = readonly [file: string, from: string, to: string, ...said: readonly Said[]];

/** Returns a copy of a directory with some edits: modules of a directory are loaded once. */
function edited(folder: string, name: string, edits: readonly Edit[]): string {
  const copy = join(folder, '..', name);
  rmSync(copy, { recursive: true, force: true });
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
  for (const [file, from, to] of edits) {
    const text = readFileSync(join(copy, file), 'utf8');
    assert.equal(text.split(from).length > 1, true, `${file} has ${from}`);
    writeFileSync(join(copy, file), text.replace(from, to));
  }
  return copy;
}

type StateOf = (folder: string) => State | Promise<State>;

/** Adds a test for each edit of a project. `stateOf` returns the state of a directory. */
export function checkEdits(edits: readonly Edit[], folder: string, stateOf: StateOf): void {
  let before: State | undefined;
  for (const [at, edit] of edits.entries()) {
    const [file, from, to] = edit;
    const change = `${from.trim().slice(0, 60)} -> ${to.trim().slice(0, 60)}`;
    test(`edit ${at + 1} of ${edits.length}, ${file}: ${change}`, async () => {
      before ??= await stateOf(folder);
      check([edit], compareStates(before, await stateOf(edited(folder, `edit-${at}`, [edit]))));
    });
  }
}

/** Adds a test for edits that are made together. */
export function checkTogether(name: string, edits: readonly Edit[], folder: string, stateOf: StateOf): void {
  test(`${name}: ${edits.length} edits together`, async () => {
    check(edits, compareStates(await stateOf(folder), await stateOf(edited(folder, name.replaceAll(' ', '-'), edits))));
  });
}

function check(edits: readonly Edit[], found: readonly Difference[]): void {
  const lines = found.map(({ rule, subject, text }) => `${rule} | ${subject} | ${text}`);
  for (const { rule, class: is } of found) assert.equal(is, RULES[rule as keyof typeof RULES].class);
  const said = edits.flatMap(([, , , ...each]) => each);
  if (said.length === 0) assert.deepEqual(lines, []);
  for (const [rule, subject, text] of said) {
    const fits = (each: Difference): boolean => (typeof text === 'string' ? each.text === text : text.test(each.text));
    const isSaid = found.some((each) => each.rule === rule && each.subject === subject && fits(each));
    assert.equal(isSaid, true, `${rule} | ${subject} | ${String(text)} is not among\n${lines.join('\n')}`);
  }
}
