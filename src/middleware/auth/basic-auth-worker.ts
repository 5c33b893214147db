/**
 * The thread that compares passwords with bcrypt hashes: a tenth of a second each, which no event loop should be blocked for.
 */
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

/** One password, and the hashes it is compared with: the answer is that of the first, the others only take their time. */
export interface PasswordQuestion {
  readonly password: string;
  readonly hashes: readonly [string, ...string[]];
}

parentPort?.on('message', ({ password, hashes: [hash, ...others] }: PasswordQuestion) => {
  const equal = compareSync(password, hash);
  for (const other of others) compareSync(password, other);
  parentPort?.postMessage(equal);
});
