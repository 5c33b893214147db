/**
 * A tree of values as text: what boot scripts read of a metadata service, one path a value.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, Fault } from 'portico/app';

/** A leaf is its text or its bytes; the names of a folder keep their order. */
export type FolderNode = string | Buffer | Folder;
export type Folder = ReadonlyMap<string, FolderNode>;

/** Finds the node at a path; undefined: none. A `Fault` it throws is answered as plain text. */
export type FolderLookUp = (names: readonly string[], req: IncomingMessage) => FolderNode | undefined;

/**
 * An app that only reads: GET and HEAD. A folder lists its names, one a line, folders with a slash behind them; a leaf is
 * its value, of type JSON where its name ends in `.json`, else plain text. Empty names do not count, and `.` and `..` are
 * resolved, so a slash at the end changes nothing. Faults are plain text, for the clients are scripts.
 */
export function folderApp(lookUp: FolderLookUp): App {
  return (req, res) => {
    try {
      if (req.method !== 'GET' && req.method !== 'HEAD') throw new Fault(405, { headers: { Allow: 'GET, HEAD' } });
      const names = pathNames(req.url ?? '/');
      const node = lookUp(names, req);
      if (node === undefined) throw new Fault(404, { message: 'There is nothing at this path.' });
      if (node instanceof Map) send(res, 200, listing(node));
      else send(res, 200, node as string | Buffer, names.at(-1)?.endsWith('.json') ? 'application/json' : undefined);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      for (const [name, value] of Object.entries(error.headers)) {
        if (value !== undefined) res.setHeader(name, value);
      }
      send(res, error.status, `${error.safe ? error.message : error.title}\n`);
    }
  };
}

/** The node that a path leads to from another one. */
export function nodeAt(from: FolderNode, names: readonly string[]): FolderNode | undefined {
  return names.reduce<FolderNode | undefined>((node, name) => (node instanceof Map ? node.get(name) : undefined), from);
}

function pathNames(url: string): string[] {
  const names: string[] = [];
  for (const part of decoded(url.split('?', 1)[0]!).split('/')) {
    if (part === '..') names.pop();
    else if (part !== '' && part !== '.') names.push(part);
  }
  return names;
}

/** A path that cannot be decoded is taken as it is: nothing is there. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function listing(folder: Folder): string {
  return [...folder].map(([name, node]) => (node instanceof Map ? `${name}/` : name)).join('\n');
}

function send(res: ServerResponse, status: number, body: string | Buffer, type = 'text/plain; charset=UTF-8'): void {
  res.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  res.end(res.req.method === 'HEAD' ? undefined : body);
}
