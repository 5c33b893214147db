/**
 * Headers as flat lists of names and values, as in `rawHeaders`, which cost Node least.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Names in lower case, and values, in turn. */
export type HeaderList = readonly string[];

/** Names as they were given, and values, in turn: the form that costs Node least. */
export type Head = readonly OutgoingHttpHeader[];

/**
 * The headers that were given, and of the lists, the last first, what they lack. Undefined where two of those given are
 * spellings of one name, of which Node would send both.
 */
export function wholeHead(
  headers: OutgoingHttpHeaders | undefined,
  lists: readonly HeaderList[],
): OutgoingHttpHeader[] | undefined {
  const head: OutgoingHttpHeader[] = [];
  for (const name of Object.keys(headers ?? {})) {
    if (hasName(head, name)) return undefined;
    head.push(name, headers![name]!);
  }
  for (let at = lists.length - 1; at >= 0; at--) addMissing(head, lists[at]!);
  return head;
}

function addMissing(head: OutgoingHttpHeader[], list: HeaderList): void {
  for (let at = 0; at < list.length; at += 2) {
    if (!hasName(head, list[at]!)) head.push(list[at]!, list[at + 1]!);
  }
}

function hasName(head: readonly OutgoingHttpHeader[], name: string): boolean {
  for (let at = 0; at < head.length; at += 2) {
    if (isSpelling(head[at] as string, name)) return true;
  }
  return false;
}

/** Whether two names are one, whatever their case. */
function isSpelling(name: string, other: string): boolean {
  return name.length === other.length && (name === other || name.toLowerCase() === other.toLowerCase());
}

const HEAD: unique symbol = Symbol('portico.keptHead');

interface Carrier {
  [HEAD]: Head;
  getHeader: typeof getHeader;
  hasHeader: typeof hasHeader;
  getHeaders: typeof getHeaders;
  getHeaderNames: typeof getHeaderNames;
}

/**
 * Lets a response tell its headers once they are sent, as it does where they were set one by one: Node forgets those that
 * were only given to `writeHead`. One set of functions for all responses.
 */
export function keepHead(res: ServerResponse, head: Head): void {
  const carrier = res as unknown as Carrier;
  carrier[HEAD] = head;
  carrier.getHeader = getHeader;
  carrier.hasHeader = hasHeader;
  carrier.getHeaders = getHeaders;
  carrier.getHeaderNames = getHeaderNames;
}

/** The value of a header, whatever the spelling of its name. */
function headerIn(head: Head, name: string): OutgoingHttpHeader | undefined {
  const wanted = name.toLowerCase();
  for (let at = 0; at < head.length; at += 2) if (String(head[at]).toLowerCase() === wanted) return head[at + 1];
  return undefined;
}

/** All of them, by names in lower case. */
function headersIn(head: Head): OutgoingHttpHeaders {
  const headers = Object.create(null) as OutgoingHttpHeaders;
  for (let at = 0; at < head.length; at += 2) headers[String(head[at]).toLowerCase()] = head[at + 1];
  return headers;
}

function getHeader(this: Carrier, name: string): OutgoingHttpHeader | undefined {
  return headerIn(this[HEAD], name);
}

function hasHeader(this: Carrier, name: string): boolean {
  return headerIn(this[HEAD], name) !== undefined;
}

function getHeaders(this: Carrier): OutgoingHttpHeaders {
  return headersIn(this[HEAD]);
}

function getHeaderNames(this: Carrier): string[] {
  return Object.keys(headersIn(this[HEAD]));
}
