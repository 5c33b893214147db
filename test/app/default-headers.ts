import type { ServerResponse } from 'node:http';
import { beforeHead } from 'portico/app';
import { setMissingHeaders } from '#internal/app';

/** Answers with each of these headers, names and values in turn, that nothing further in gives. */
export function defaultHeaders(res: ServerResponse, headers: readonly string[]): void {
  beforeHead(res, () => setMissingHeaders(res, headers));
}
