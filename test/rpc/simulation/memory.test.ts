/** Memory that thousands of requests leave behind: none. */
import { test } from 'node:test';
import { simulate } from '../../simulation/simulate.js';

test('RP-86 a request through a bad network leaves nothing behind in client and services', () =>
  simulate(new URL('./memory.js', import.meta.url), 'rpc/simulation/memory', { count: 1 }));
