/** Runs simulations in a thread, whose timers are virtual. Its parent notices one that spins. */
import { parentPort, workerData } from 'node:worker_threads';
import type { World } from './world.js';

/** Modules that export a simulation as `Simulation`, the seeds, and the number of steps in one message. */
export interface Work {
  readonly module: string;
  readonly seeds: readonly number[];
  readonly atOnce: number;
}

/** Message to the test. */
export type Told =
  | { readonly kind: 'begins'; readonly seed: number }
  | { readonly kind: 'steps'; readonly texts: readonly string[] }
  | { readonly kind: 'fails'; readonly seed: number; readonly why: string; readonly steps: readonly string[] }
  | { readonly kind: 'done' };

/** A simulation, which runs once. */
type MadeSimulation = new (seed: number, told: (text: string) => void) => World & { run(): Promise<void> };

const tell = (message: Told): void => parentPort!.postMessage(message);

/** Most failures that are reported. */
const FAILURES = 3;

const { module, seeds, atOnce } = workerData as Work;
const { Simulation } = (await import(module)) as { readonly Simulation: MadeSimulation };
// In the first, the imports of the product are resolved, which takes turns of the event loop.
await new Simulation(0, () => undefined).run().catch(() => undefined);
let failures = 0;
for (const seed of seeds) {
  tell({ kind: 'begins', seed });
  let texts: string[] = [];
  const simulation = new Simulation(seed, (text) => {
    if (texts.push(text) < atOnce) return;
    tell({ kind: 'steps', texts });
    texts = [];
  });
  try {
    await simulation.run();
  } catch (error) {
    const why = (error as Error).stack ?? String(error);
    tell({ kind: 'fails', seed, why, steps: simulation.steps });
    if (++failures === FAILURES) break;
  }
}
tell({ kind: 'done' });
