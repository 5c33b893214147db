/** The metadata API: what a server asks about itself, through a proxy that says, and signs, which server it is. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, Fault } from 'portico/app';
import type { Cloud } from '../cloud.js';
import { settled } from '../compute/server-states.js';
import { EC2_DATES, ec2Tree, type Node, OPENSTACK_DATES, openStackTree } from './tree.js';

/** An app that only reads. Faults are plain text, for the clients are boot scripts. */
export function metadataApp(cloud: Cloud, proxySecret: string): App {
  return (req, res) => {
    try {
      if (req.method !== 'GET' && req.method !== 'HEAD') throw new Fault(405, { headers: { Allow: 'GET, HEAD' } });
      const names = pathNames(req.url ?? '/');
      const node = names.length === 0 ? dates(EC2_DATES) : lookUp(cloud, askedServer(req, proxySecret), names);
      if (node === undefined) throw new Fault(404, { message: 'There is nothing at this path.' });
      const type = names.at(-1)?.endsWith('.json') ? 'application/json' : undefined;
      send(res, 200, node instanceof Map ? listing(node) : (node as string | Buffer), type);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value!);
      send(res, error.status, `${error.message}\n`);
    }
  };
}

const dates = (known: readonly string[]): string => [...known, 'latest'].join('\n');

/** The names of a path without empty ones, with `.` and `..` resolved, and without the `ec2` that may be in front. */
function pathNames(url: string): string[] {
  const names: string[] = [];
  for (const part of url.split('?', 1)[0]!.split('/')) {
    if (part === '..') names.pop();
    else if (part !== '' && part !== '.') names.push(part);
  }
  return names[0] === 'ec2' ? names.slice(1) : names;
}

type Asked = { readonly id: string; readonly projectId: string };

/** Which server asks. 400 without the headers, 403 when the signature is not the proxy's. */
function askedServer(req: IncomingMessage, proxySecret: string): Asked {
  const header = (name: string): string => {
    const value = req.headers[name.toLowerCase()];
    if (typeof value === 'string' && value !== '') return value;
    throw new Fault(400, { message: `${name} header is missing from request.` });
  };
  const [id, projectId] = [header('X-Instance-ID'), header('X-Tenant-ID')];
  const expected = createHmac('sha256', proxySecret).update(id).digest();
  const given = Buffer.from(header('X-Instance-ID-Signature'), 'hex');
  // Without a secret everybody could sign, so nobody is believed.
  const signed = proxySecret !== '' && given.length === expected.length && timingSafeEqual(given, expected);
  if (!signed) throw new Fault(403, { message: 'Invalid proxy request signature.' });
  return { id, projectId };
}

function lookUp(cloud: Cloud, asked: Asked, names: readonly string[]): Node | undefined {
  return cloud.read(() => {
    const stored = cloud.servers.get(asked.id);
    const server = stored && settled(stored, Date.now());
    if (server?.project_id !== asked.projectId) return undefined;
    const openStack = names[0] === 'openstack';
    const [name, ...path] = openStack ? names.slice(1) : names;
    const known = openStack ? OPENSTACK_DATES : EC2_DATES;
    if (name === undefined) return dates(known);
    const date = name === 'latest' ? known.at(-1)! : name;
    if (!known.includes(date)) return undefined;
    // The one folder that lists its names in another way.
    if (!openStack && path.join('/') === 'meta-data/public-keys' && server.key) return `0=${server.key.name}`;
    const image = cloud.images.get(server.image_id);
    const tree: Node = openStack ? openStackTree(server, date) : ec2Tree(server, image?.seq ?? 0, date);
    return path.reduce<Node | undefined>((node, step) => (node instanceof Map ? node.get(step) : undefined), tree);
  });
}

function listing(folder: ReadonlyMap<string, Node>): string {
  return [...folder].map(([name, node]) => (node instanceof Map ? `${name}/` : name)).join('\n');
}

function send(res: ServerResponse, status: number, body: string | Buffer, type = 'text/plain; charset=UTF-8'): void {
  res.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  res.end(res.req.method === 'HEAD' ? undefined : body);
}
