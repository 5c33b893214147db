/** Random clients on real sockets: nothing that a client sends ends the process, holds a connection, or is answered otherwise than by Node. */
import { test } from 'node:test';
import { walks } from './walks.js';

const seed = process.env.PORTICO_TEST_SEED;

test('RV-0 RV-1 RV-5 AT-21 random clients leave nothing behind, and get what node:http answers', async () => {
  if (seed === undefined) await walks(3001, 2000);
  else await walks(Number(seed), 1);
});
