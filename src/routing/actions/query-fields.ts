/**
 * Fields of queries and forms (URL standard §5.1): percent-encoded names and values, a repeated name as a list.
 */
import { parse } from 'fast-querystring';
import { Fault } from '../../app/index.js';

/** Returns the fields of a text. Throws a `Fault` 400 for an escape that is malformed, or whose bytes are not UTF-8. */
export function readFields(text: string, where: 'query' | 'body'): Record<string, string | string[]> {
  if (text.includes('%')) refuseBadEscapes(text, where);
  return parse(text);
}

/** Throws a `Fault` 400 for an escape that is malformed, or whose bytes are not UTF-8. */
export function refuseBadEscapes(text: string, where: 'query' | 'body'): void {
  try {
    decodeURIComponent(text);
  } catch (cause) {
    throw new Fault(400, { message: `The ${where} has a percent sign that is no escape of UTF-8 text.`, cause });
  }
}
