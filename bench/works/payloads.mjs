// The content that all contestants serve, from one file that the Python contestants read too.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

export const { versions, server, newServer, newServerSchema, created, missing, wrong } = read('./payloads.json');

/** The records by id. */
export const servers = new Map([[server.id, server]]);

const PIECE = Buffer.alloc(65_536, 'Portico streams what it is given. ');
const PIECES = 16;

/** Number of bytes in {@link pieces}. */
export const STREAMED_BYTES = PIECE.length * PIECES;

/** Returns one MiB in pieces of 64 KiB, as if read from a file. */
export function pieces() {
  let left = PIECES;
  return new Readable({
    read() {
      this.push(left-- > 0 ? PIECE : null);
    },
  });
}

/** Returns the bytes of {@link pieces} as one buffer. */
export function streamedBody() {
  return Buffer.concat(Array.from({ length: PIECES }, () => PIECE));
}

/** Returns 400 routes of nova's table as `[method, path]`, each path with and without the project prefix. */
export function routes() {
  const table = read('./compute-routes.json').slice(0, 200);
  return ['', '/{project_id}'].flatMap((prefix) => table.map(([path, method]) => [method, `${prefix}${path}`]));
}

/** Returns the same routes with variables as `:name`, for Fastify and others. */
export function colonRoutes() {
  return routes().map(([method, path]) => [method, path.replaceAll(/\{(\w+)\}/g, ':$1')]);
}
