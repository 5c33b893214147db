/** The simulations of launcher.test.ts with more seeds than it has: some faults show in one of thousands. The long run has 10,000. */
import { test } from 'node:test';
import { COUNT, simulate } from '../../simulation/simulate.js';

/** The last seed: those up to it take a quarter of a minute. */
const MANY = 700;

const skip = COUNT === 200 ? false : 'launcher.test.ts runs these seeds';

test(`LA-1 TE-2 a launcher keeps its promises in simulations up to seed ${MANY}`, { skip }, () =>
  simulate(new URL('./simulation.js', import.meta.url), 'launch/simulation', { after: COUNT, count: MANY }),
);
