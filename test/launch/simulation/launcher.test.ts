/** Random requests and mishaps in virtual time, with pretended workers: what a launcher promises holds at each moment. */
import { test } from 'node:test';
import { COUNT, simulate } from '../../simulation/simulate.js';

test(`LA-1 TE-2 LC-329 LC-515 LC-519 a launcher keeps its promises in ${COUNT} simulations`, () =>
  simulate(new URL('./simulation.js', import.meta.url), 'launch/simulation', { known: [9091] }));
