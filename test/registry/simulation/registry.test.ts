/** Random outages, pauses and deaths in virtual time, with a pretended database: what the registry promises holds. */
import { test } from 'node:test';
import { COUNT, simulate } from '../../simulation/simulate.js';

test(`SG-16 SG-17 SG-24 SG-25 SG-26 SG-30 SG-31 MG-25 the registry keeps its promises in ${COUNT} simulations`, () =>
  simulate(new URL('./simulation.js', import.meta.url), 'registry/simulation'));
