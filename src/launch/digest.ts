import { createHash } from 'node:crypto';

/** Returns the digest of a file's bytes, as used in this process and between a worker and its parent. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
