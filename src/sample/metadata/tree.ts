/** What a server can learn about itself, as folders and leaves, in EC2's form and in OpenStack's. */
import { createHash } from 'node:crypto';
import type { Folder, FolderNode } from 'portico/app';
import type { Stored } from 'portico/sqlite';
import { hex8, hostName } from '../names.js';
import type { Server } from '../records.js';

export const EC2_DATES = [
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
export const OPENSTACK_DATES = [
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

/** A name with the date it came with. Dates compare as text; undefined is left out. */
type Dated = readonly [since: string, name: string, value: FolderNode | undefined];

/** `/<date>/` in EC2's form: `meta-data/`, and `user-data` where the server was given some. */
export function ec2Tree(server: Stored<Server>, imageNumber: number, date: string): Folder {
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

/** `/openstack/<date>/`. */
export function openStackTree(server: Stored<Server>, date: string): Folder {
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
  // 512 bytes that are the same at every reading, so that a first boot can be repeated.
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
