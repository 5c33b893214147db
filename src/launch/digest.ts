import { createHash } from 'node:crypto';

/** Digest of a file's bytes, here and between a worker and its parent. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
