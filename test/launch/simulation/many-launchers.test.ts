/** The simulations of launcher.test.ts with thousands of seeds: some faults show in one of thousands. The long run has 10,000. */
import { test } from 'node:test';
import { COUNT, simulate } from '../../simulation/simulate.js';

/** Number of seeds that take a quarter of a minute. */
const MANY = 700;

const skip = COUNT === 200 ? false : 'launcher.test.ts runs these seeds';

test(`LA-1 TE-2 a launcher keeps its promises in ${MANY} simulations`, { skip }, () =>
  simulate(new URL('./simulation.js', import.meta.url), 'launch/simulation', { count: MANY }),
);
