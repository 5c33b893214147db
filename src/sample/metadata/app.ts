/** The metadata API: what a server asks about itself, through a proxy that says, and signs, which server it is. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type App, Fault, type FolderNode, folderApp, nodeAt } from 'portico/app';
import type { Cloud } from '../cloud.js';
import { settled } from '../compute/servers/transitions.js';
import { EC2_DATES, ec2Tree, OPENSTACK_DATES, openStackTree } from './tree.js';

export function metadataApp(cloud: Cloud, proxySecret: string): App {
  return folderApp((all, req) => {
    const names = all[0] === 'ec2' ? all.slice(1) : all;
    return names.length === 0 ? dates(EC2_DATES) : lookUp(cloud, askedServer(req, proxySecret), names);
  });
}

const dates = (known: readonly string[]): string => [...known, 'latest'].join('\n');

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
  const signature = Buffer.from(header('X-Instance-ID-Signature'), 'hex');
  const isEqual = signature.length === expected.length && timingSafeEqual(signature, expected);
  // Without a secret every client could sign.
  if (proxySecret === '' || !isEqual) throw new Fault(403, { message: 'Invalid proxy request signature.' });
  return { id, projectId };
}

function lookUp(cloud: Cloud, asked: Asked, names: readonly string[]): FolderNode | undefined {
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
    return nodeAt(openStack ? openStackTree(server, date) : ec2Tree(server, image?.seq ?? 0, date), path);
  });
}
