/**
 * What is said of an error that ends a command.
 */
import { describeError } from '../errors/index.js';

/** The text for an operator. What the system refuses, such as a full disk, is one line; what nobody expected has its stack. */
export function failureText(error: unknown): string {
  if (!isSystemError(error) || error.name !== 'Error') return describeError(error);
  if (error.syscall === 'uv_cwd') return 'error: the working directory is gone (ENOENT)\n  Go to one that is there.';
  return `error: ${error.message}`;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  const { errno, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return error instanceof Error && typeof errno === 'number' && typeof syscall === 'string';
}
