/** The metadata API, from which a server reads its own data, through a proxy that identifies the server and signs its id. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type App, Fault } from 'portico/app';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from './cloud.js';
import { settled } from './compute/servers/transitions.js';
import { type Folder, type FolderNode, folderApp, nodeAt } from './folder-app.js';
import { hex8, hostName } from './names.js';
import type { Server } from './records.js';

const EC2_DATES = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
];
const OPENSTACK_DATES = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  '2020-10-14',
];

export function metadataApp(cloud: Cloud, proxySecret: string): App {
  return folderApp((all, req) => {
    const names = all[0] === 'ec2' ? all.slice(1) : all;
    return names.length === 0 ? dates(EC2_DATES) : lookUp(cloud, askedServer(req, proxySecret), names);
  });
}

const dates = (known: readonly string[]): string => [...known, 'latest'].join('\n');

type Asked = { readonly id: string; readonly projectId: string };

/** Returns the server that the proxy's headers name. 400 if a header is missing, 403 if the signature is wrong. */
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
  // With an empty secret, any client could sign.
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
    // The only folder whose list has another form.
    if (!openStack && path.join('/') === 'meta-data/public-keys' && server.key) return `0=${server.key.name}`;
    const image = cloud.images.get(server.image_id);
    return nodeAt(openStack ? openStackTree(server, date) : ec2Tree(server, image?.seq ?? 0, date), path);
  });
}

/** An entry, with the first version (a date) that has it. Dates compare as text; an undefined value is left out. */
type Dated = readonly [since: string, name: string, value: FolderNode | undefined];

/** Returns the tree `/<date>/` of EC2: `meta-data/`, and `user-data` if the server has any. */
function ec2Tree(server: Stored<Server>, imageNumber: number, date: string): Folder {
  const [host, { key }] = [`${hostName(server)}.novalocal`, server];
  const metaData: Dated[] = [
    ['1.0', 'ami-id', `ami-${hex8(imageNumber)}`],
    ['1.0', 'ami-launch-index', String(server.launch_index)],
    ['1.0', 'ami-manifest-path', 'FIXME'],
    ['2007-12-15', 'block-device-mapping', new Map(Object.entries({ ami: 'vda', root: '/dev/vda' }))],
    ['1.0', 'hostname', host],
    ['2008-09-01', 'instance-action', 'none'],
    ['1.0', 'instance-id', `i-${hex8(server.seq)}`],
    ['2007-08-29', 'instance-type', server.flavor.name],
    ['2007-01-19', 'local-hostname', host],
    ['1.0', 'local-ipv4', ''],
    ['2008-02-01', 'placement', new Map([['availability-zone', server.zone]])],
    ['2007-01-19', 'public-hostname', host],
    ['2007-01-19', 'public-ipv4', ''],
    ['1.0', 'public-keys', key === null ? undefined : new Map([['0', new Map([['openssh-key', key.public_key]])]])],
    ['1.0', 'reservation-id', server.reservation_id],
    ['1.0', 'security-groups', 'default'],
  ];
  return folder('1.0', [
    ['1.0', 'meta-data', folder(date, metaData)],
    ['1.0', 'user-data', userData(server)],
  ]);
}

/** Returns the tree `/openstack/<date>/`. */
function openStackTree(server: Stored<Server>, date: string): Folder {
  return folder(date, [
    ['2012-08-10', 'meta_data.json', JSON.stringify(metaDataJson(server, date))],
    ['2012-08-10', 'user_data', userData(server)],
    ['2013-04-04', 'password', ''],
    ['2013-10-17', 'vendor_data.json', '{}'],
    ['2015-10-15', 'network_data.json', '{}'],
    ['2016-10-06', 'vendor_data2.json', '{"static":{}}'],
  ]);
}

function metaDataJson(server: Stored<Server>, date: string): object {
  const { id: uuid, name, metadata: meta, key, launch_index, zone: availability_zone, project_id, seed } = server;
  const named = { uuid, name, hostname: `${hostName(server)}.novalocal`, launch_index, availability_zone };
  // 512 bytes that are the same on every read, so that a first boot can be repeated.
  const random_seed = seed && createHash('shake256', { outputLength: 512 }).update(seed).digest('base64');
  return {
    ...named,
    ...(Object.keys(meta).length > 0 && { meta }),
    ...(key && { public_keys: { [key.name]: key.public_key } }),
    ...(key && { keys: [{ name: key.name, type: key.type, data: key.public_key }] }),
    ...(date >= '2013-04-04' && { random_seed }),
    ...(date >= '2015-10-15' && { project_id }),
    ...(date >= '2016-06-30' && { devices: [] }),
    ...(date >= '2020-10-14' && { dedicated_cpus: [] }),
  };
}

function folder(date: string, entries: readonly Dated[]): Folder {
  const known = entries.filter(([since, , value]) => since <= date && value !== undefined);
  return new Map(known.map(([, name, value]) => [name, value!]));
}

function userData({ user_data }: Server): Buffer | undefined {
  return user_data === null ? undefined : Buffer.from(user_data, 'base64');
}
