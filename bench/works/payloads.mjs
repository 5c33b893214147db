// What all contestants serve, from one file that those in Python read as well.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

export const { versions, server, newServer, newServerSchema, created, missing, wrong } = read('./payloads.json');

/** The records there are, by id. */
export const servers = new Map([[server.id, server]]);

const PIECE = Buffer.alloc(65_536, 'Portico streams what it is given. ');
const PIECES = 16;

/** Bytes that {@link pieces} gives in all. */
export const STREAMED_BYTES = PIECE.length * PIECES;

/** One MiB in pieces of 64 KiB, as they would come from a file. */
export function pieces() {
  let left = PIECES;
  return new Readable({
    read() {
      this.push(left-- > 0 ? PIECE : null);
    },
  });
}

/** What {@link pieces} gives, whole. */
export function streamedBody() {
  return Buffer.concat(Array.from({ length: PIECES }, () => PIECE));
}

/** Nova's table, 400 routes of it: `[method, path]`, each path with and without the project in front. */
export function routes() {
  const table = read('./compute-routes.json').slice(0, 200);
  return ['', '/{project_id}'].flatMap((prefix) => table.map(([path, method]) => [method, `${prefix}${path}`]));
}

/** The same with variables as `:name`, which Fastify and others write. */
export function colonRoutes() {
  return routes().map(([method, path]) => [method, path.replaceAll(/\{(\w+)\}/g, ':$1')]);
}
