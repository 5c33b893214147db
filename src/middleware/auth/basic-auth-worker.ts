/**
 * The worker thread that compares passwords with bcrypt hashes. A comparison takes a tenth of a second, which would block the event
 * loop.
 */
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

/** A password and the hashes to compare it with. The result is for the first hash; the others only equalize the time. */
export interface PasswordQuestion {
  readonly password: string;
  readonly hashes: readonly [string, ...string[]];
}

parentPort?.on('message', ({ password, hashes: [hash, ...others] }: PasswordQuestion) => {
  const equal = compareSync(password, hash);
  for (const other of others) compareSync(password, other);
  parentPort?.postMessage(equal);
});
