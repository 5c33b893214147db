/**
 * Runs simulations by their seeds: 50, and 10,000 in the long run. A failure names its seed; `--seed 17` repeats it, and
 * prints its steps.
 */
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { isLong } from '../e2e/faults/figures.js';
import type { Told, Work } from './thread.js';

const only = process.env.PORTICO_TEST_SEED;

/** Steps that the thread tells at once: a message for each takes a tenth of its time. With one seed each is sent, also the last before it spins. */
const AT_ONCE = only === undefined ? 50 : 1;
/** Time without a message after which a simulation counts as hanging: a real step takes milliseconds. */
const HANGS_MS = 60_000;
/** Last steps that a failure shows; a repeated seed shows all. */
const SHOWN = 60;

/** Number of simulations. */
export const COUNT = only !== undefined ? 1 : isLong ? 10_000 : 50;

/**
 * Runs the simulations of a module. `where`: the directory of the test. `count`: the last seed; the first is 1. `known`: seeds beyond it that
 * have found an error.
 */
export async function simulate(
  module: URL,
  where: string,
  { count = COUNT, known = [] }: { readonly count?: number; readonly known?: readonly number[] } = {},
): Promise<void> {
  const first = Array.from({ length: count }, (_, at) => at + 1);
  const seeds = only === undefined ? [...first, ...known.filter((seed) => seed > count)] : [Number(only)];
  const failures = await run({ module: module.href, seeds, atOnce: AT_ONCE }, where);
  assert.equal(failures.length, 0, `\n${failures.join('\n\n')}`);
}

function describe(seed: number, why: string, steps: readonly string[], where: string): string {
  const shown = only === undefined ? steps.slice(-SHOWN) : steps;
  const repeat = `npm run t -- ${where} --seed ${seed}`;
  return `seed ${seed}: ${why}\n${shown.join('\n')}\nrepeat it with all steps: ${repeat}`;
}

/** Runs them one after another; returns a description of each that fails. */
function run(work: Work, where: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./thread.js', import.meta.url), { workerData: work });
    const failures: string[] = [];
    let steps: string[] = [];
    let seed = 0;
    const hangs = (): void => {
      failures.push(describe(seed, 'it spins, or waits for ever', steps, where));
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
      else if (told.kind === 'steps') steps.push(...told.texts);
      else if (told.kind === 'fails') failures.push(describe(told.seed, told.why, told.steps, where));
      else end();
    });
  });
}
