/**
 * A head that is written in one go, and told afterwards.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Names in lower case, and values, in turn. */
export type HeaderList = readonly string[];

/**
 * Names as they were given, and values, in turn: the form that costs Node least. Undefined where two are spellings of one
 * name, of which Node would send both.
 */
export function flatHead(given: OutgoingHttpHeaders | undefined): OutgoingHttpHeader[] | undefined {
  const head: OutgoingHttpHeader[] = [];
  if (!given) return head;
  for (const name of Object.keys(given)) {
    if (hasName(head, name)) return undefined;
    head.push(name, given[name]!);
  }
  return head;
}

/** Adds those of a list that a head does not have. */
export function addMissing(head: OutgoingHttpHeader[], list: HeaderList): void {
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
export function isSpelling(name: string, other: string): boolean {
  return name.length === other.length && (name === other || name.toLowerCase() === other.toLowerCase());
}

type Head = readonly OutgoingHttpHeader[];

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

function getHeader(this: Carrier, name: string): OutgoingHttpHeader | undefined {
  const wanted = name.toLowerCase();
  const head = this[HEAD];
  for (let at = 0; at < head.length; at += 2) if (String(head[at]).toLowerCase() === wanted) return head[at + 1];
  return undefined;
}

function hasHeader(this: Carrier, name: string): boolean {
  return this.getHeader(name) !== undefined;
}

function getHeaders(this: Carrier): OutgoingHttpHeaders {
  const headers = Object.create(null) as OutgoingHttpHeaders;
  const head = this[HEAD];
  for (let at = 0; at < head.length; at += 2) headers[String(head[at]).toLowerCase()] = head[at + 1];
  return headers;
}

function getHeaderNames(this: Carrier): string[] {
  return Object.keys(this.getHeaders());
}
