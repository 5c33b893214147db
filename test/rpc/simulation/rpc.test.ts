/** Random calls, casts, fanouts and notifications in virtual time, over a pretended broker: what remote calls promise holds. */
import { test } from 'node:test';
import { COUNT, simulate } from '../../simulation/simulate.js';

test(`RP-33 RP-70 RP-72 RP-73 RP-74 RP-79 RP-83 RP-86 remote calls keep their promises in ${COUNT} simulations`, () =>
  simulate(new URL('./simulation.js', import.meta.url), 'rpc/simulation', { known: [5038, 7137] }));
