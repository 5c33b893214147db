/** As `connections.test.ts`, with more seeds: too many for each run of the fast tests. The long run has the most. */
import { test } from 'node:test';
import { walks } from './walks.js';

const count = process.env.PORTICO_FAULTS === 'long' ? 100_000 : 1200;
const skip = process.env.PORTICO_TEST_SEED === undefined ? false : 'connections.test.ts repeats one seed';

test(`RV-0 RV-1 RV-5 AT-21 ${count} random clients leave nothing behind`, { skip }, () => walks(10_001, count));
