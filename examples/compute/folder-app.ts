/** Serves a tree of values as text, one path per value. Boot scripts read a metadata service in this way. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, Fault } from 'portico/app';

/** A leaf (text or bytes) or a folder, which keeps the order of its names. */
export type FolderNode = string | Buffer | Folder;
export type Folder = ReadonlyMap<string, FolderNode>;

/** Returns the node at a path, or undefined if there is none. A `Fault` that it throws is sent as plain text. */
export type FolderLookUp = (names: readonly string[], req: IncomingMessage) => FolderNode | undefined;

/**
 * Returns an app that serves a tree for GET and HEAD. The response for a folder lists its names, one per line, with a slash after the
 * names of folders. For a leaf it is the value: JSON if the name ends in `.json`, else plain text. Empty names are ignored and `.` and
 * `..` are resolved, so a trailing slash changes nothing. Faults are plain text, because the clients are scripts.
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

/** Returns the node at a path relative to another node. */
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

/** Decodes a path. One that cannot be decoded stays unchanged. */
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
