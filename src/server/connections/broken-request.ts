/**
 * A request that could not be read, as far as its bytes say something: the answer has the form that its client asks for.
 */
import { IncomingMessage } from 'node:http';
import type { Connection } from './connections.js';

/** How much of it is read, in bytes. */
const READ = 16 * 1024;

/**
 * Method, target and fields of the request that `packet`, in which the parser has met something, begins with. A request without any of them
 * where it begins elsewhere: in an earlier packet, or behind another request.
 */
export function readableRequest(connection: Connection, packet?: Buffer): IncomingMessage {
  const { socket, exchanges, bytesBefore } = connection;
  const isNew = exchanges.length === 0 && packet !== undefined && socket.bytesRead - packet.length >= bytesBefore;
  // The rest behind the last line end may be half a field.
  const lines = isNew ? packet.toString('latin1', 0, READ).trimStart().split(/\r?\n/).slice(0, -1) : [];
  const [, method = 'GET', url = ''] = /^([A-Z]+) ([!-~]+)(?: HTTP\/\d\.\d)?$/.exec(lines[0] ?? '') ?? [];
  const headers: IncomingMessage['headers'] = {};
  const end = lines.indexOf('');
  for (const line of method === '' || url === '' ? [] : lines.slice(1, end < 0 ? undefined : end)) {
    // No part may match what another does: a line of blanks would be tried in every way there is.
    const [, name, value = ''] = /^([\w!#$%&'*+.^`|~-]+):([\t\x20-\x7e]*)$/.exec(line) ?? [];
    if (name !== undefined) headers[name.toLowerCase()] ??= value.trim();
  }
  return made(connection.socket, method, url, headers);
}

/** The head of a request, without what its app knows of it. */
export function requestLike({ socket, method = 'GET', url = '', headers }: IncomingMessage): IncomingMessage {
  return made(socket, method, url, headers);
}

function made(
  socket: IncomingMessage['socket'],
  method: string,
  url: string,
  headers: IncomingMessage['headers'],
): IncomingMessage {
  const req = new IncomingMessage(socket);
  return Object.assign(req, { httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1, method, url, headers });
}
