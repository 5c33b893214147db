import type { ServerResponse } from 'node:http';
import { beforeHead } from 'portico/app';
import { setMissingHeaders } from '#internal/app';

/** Sets each of these headers (alternating names and values) unless an inner app sets it. */
export function defaultHeaders(res: ServerResponse, headers: readonly string[]): void {
  beforeHead(res, () => setMissingHeaders(res, headers));
}
