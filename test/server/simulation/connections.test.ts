/** Random clients on real sockets: nothing that a client sends ends the process, holds a connection, or gets another response than from Node. */
import { test } from 'node:test';
import { isLong } from '../../e2e/faults/figures.js';
import { drains, walks } from './walks.js';

const COUNT = isLong ? 100_000 : 500;
const DRAINS = isLong ? 5000 : 75;
const seed = process.env.PORTICO_TEST_SEED;

test('RV-0 RV-1 RV-5 AT-21 random clients leave nothing behind, and get the responses of node:http', async () => {
  if (seed === undefined) await walks(3001, COUNT);
  else await walks(Number(seed), 1);
});

test('RO-1 LC-136 LC-540 around a reload and the drain of a server every request and upgrade on an accepted connection is served, and each session is asked to end', async () => {
  if (seed === undefined) await drains(9001, DRAINS);
  else await drains(Number(seed), 1);
});
