/**
 * The readable part of a malformed request: the refusal has the format that its client accepts.
 */
import { IncomingMessage } from 'node:http';
import type { Connection } from './connection.js';

type Head = Pick<IncomingMessage, 'socket' | 'method' | 'url' | 'headers'>;

/** Most bytes that are read. */
const READ = 16 * 1024;

/**
 * Returns method, target and fields of the request at the start of `packet`, in which the parser failed. Returns a
 * request without them if it starts elsewhere: in an earlier packet, or after another request.
 */
export function readableRequest(connection: Connection, packet?: Buffer): IncomingMessage {
  const { socket, exchange, bytesBefore } = connection;
  const isNew = exchange === undefined && packet !== undefined && socket.bytesRead - packet.length >= bytesBefore;
  // The text after the last line end may be half a field.
  const lines = isNew ? packet.toString('latin1', 0, READ).trimStart().split(/\r?\n/).slice(0, -1) : [];
  const [, method = 'GET', url = ''] = /^([A-Z]+) ([!-~]+)(?: HTTP\/\d\.\d)?$/.exec(lines[0] ?? '') ?? [];
  const headers: IncomingMessage['headers'] = {};
  const end = lines.indexOf('');
  for (const line of method === '' || url === '' ? [] : lines.slice(1, end < 0 ? undefined : end)) {
    // No two parts may match the same text: a line of blanks would be tried in every combination.
    const [, name, value = ''] = /^([\w!#$%&'*+.^`|~-]+):([\t\x20-\x7e]*)$/.exec(line) ?? [];
    if (name !== undefined) headers[name.toLowerCase()] ??= value.trim();
  }
  return requestLike({ socket: connection.socket, method, url, headers });
}

/** Returns the head of a request, without the state that its app has of it. */
export function requestLike({ socket, method = 'GET', url = '', headers }: Head): IncomingMessage {
  const req = new IncomingMessage(socket);
  return Object.assign(req, { httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1, method, url, headers });
}
