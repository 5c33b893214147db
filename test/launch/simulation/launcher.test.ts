/**
 * Random requests and mishaps in virtual time, with pretended workers: what a launcher promises holds at each moment. A
 * failure names its seed; `PORTICO_TEST_SEED=17` repeats it, and prints its steps.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { isLong } from '../../e2e/faults/figures.js';
import type { Told } from './thread.js';

/** Time without a step after which a simulation counts as hanging: a real step takes milliseconds. */
const HANGS_MS = 60_000;
/** Last steps that a failure shows; a repeated seed shows all. */
const SHOWN = 60;

const only = process.env.PORTICO_TEST_SEED;
const seeds = only === undefined ? Array.from({ length: isLong ? 10_000 : 200 }, (_, at) => at + 1) : [Number(only)];

function describe(seed: number, why: string, steps: readonly string[]): string {
  const shown = only === undefined ? steps.slice(-SHOWN) : steps;
  const repeat = `PORTICO_TEST_SEED=${seed} node test/run.mjs launch/simulation`;
  return `seed ${seed}: ${why}\n${shown.join('\n')}\nrepeat it with all steps: ${repeat}`;
}

/** Runs simulations one after another; returns a description of each that fails. */
function simulate(): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./thread.js', import.meta.url), { workerData: seeds });
    const failures: string[] = [];
    let steps: string[] = [];
    let seed = 0;
    const hangs = (): void => {
      failures.push(describe(seed, 'it spins, or waits for ever', steps));
      end();
    };
    let watch = setTimeout(hangs, HANGS_MS);
    const end = (): void => {
      clearTimeout(watch);
      void thread.terminate();
      resolve(failures);
    };
    thread.on('error', reject);
    thread.on('message', (told: Told) => {
      clearTimeout(watch);
      watch = setTimeout(hangs, HANGS_MS);
      if (told.kind === 'begins') [seed, steps] = [told.seed, []];
      else if (told.kind === 'step') steps.push(told.text);
      else if (told.kind === 'fails') failures.push(describe(told.seed, told.why, told.steps));
      else end();
    });
  });
}

test(`LA-1 TE-2 LC-329 LC-515 LC-519 a launcher keeps its promises in ${seeds.length} simulations`, async () => {
  const failures = await simulate();
  assert.equal(failures.length, 0, `\n${failures.join('\n\n')}`);
});
