/** The state of a project, as `plan` reads it in another process. */
import assert from 'node:assert/strict';
import type { State } from '../../dist/plan/state.js';
import { command } from './command.js';

/** Returns the state of the project in a directory. */
export function commandState(folder: string): State {
  const { stdout, stderr, status } = command(['plan', '--state', 'k'], { cwd: folder });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout.split('\n').find((line) => line.startsWith('{'))!) as State;
}
