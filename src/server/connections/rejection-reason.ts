/**
 * Reasons for which the server refuses a request or closes a connection, as stable words: `reason` of the metric and
 * the log.
 */
export const REJECTION_REASONS = [
  'queue full',
  'queue timeout',
  'rate limit',
  'http version',
  'url too long',
  'headers too many',
  'headers too large',
  'header invalid',
  'host invalid',
  'target invalid',
  'framing invalid',
  'transfer coding',
  'expectation',
  'malformed',
  'connect',
  'chunk extensions',
  'request too slow',
  'body too slow',
  'answer not taken',
  'connection silent',
  'tls handshake failed',
  'no descriptor',
] as const;

export type RejectionReason = (typeof REJECTION_REASONS)[number];
