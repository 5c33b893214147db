/** The simulations of launcher.test.ts with ten thousand seeds: some mistakes show in one of thousands. */
import { test } from 'node:test';
import { COUNT, simulate } from '../../simulation/simulate.js';

const skip = COUNT === 200 ? false : 'launcher.test.ts runs these seeds';

test('LA-1 TE-2 a launcher keeps its promises in 10000 simulations', { skip }, () =>
  simulate(new URL('./simulation.js', import.meta.url), 'launch/simulation', { count: 10_000 }),
);
