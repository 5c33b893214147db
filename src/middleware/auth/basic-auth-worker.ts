/**
 * The thread that compares passwords with bcrypt hashes: a tenth of a second each, which no event loop should stand.
 */
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

/** One question, and its answer's name. */
export interface PasswordQuestion {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

parentPort?.on('message', ({ id, password, hash }: PasswordQuestion) => {
  parentPort?.postMessage({ id, equal: compareSync(password, hash) });
});
