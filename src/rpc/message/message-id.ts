/**
 * Ids of messages: UUIDs of version 7 (RFC 9562 §5.7), which sort by the time they were made.
 */
import { randomUUID } from 'node:crypto';

/** A new one. */
export function messageId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  // Version 4 has its random bits in the same places, and Node gathers those of many ids at once.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
