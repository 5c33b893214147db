/**
 * A systemd.socket(5) unit for each API: connections wait in the socket while the service restarts.
 */
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { type Diagnostic, nearestOrAll, UsageError } from 'portico/extension';
import type { ApiFacts } from 'portico/service';
import { type CheckedFile, type Entry, equal, type Lines, lastOf, needs, never, rule } from './compare.js';
import { type Deployment, portOf, serviceUnit, writtenBy } from './deployment.js';
import { below, isOn, MADE, plain, unitReader } from './systemd-unit.js';

export const socket: CheckedFile = { lines, read: unitReader('Socket'), warnings };

/** An existing unit says which API it is for; a new one must be for a single one. */
function lines(deployment: Deployment, file?: readonly Entry[]): Lines {
  const { apis } = deployment;
  const names = apis.map(({ name }) => name);
  const [first, ...others] = apis;
  if (first === undefined) throw new UsageError('no API is enabled, so there is no socket');
  if (others.length > 0 && file === undefined) {
    throw new UsageError(`each API has its own socket unit: ${names.join(', ')}`, `Name one: --api ${first.name}.`);
  }
  const named = lastOf(file ?? [], 'FileDescriptorName');
  const api = file === undefined ? first : apis.find(({ name }) => plain(name) === named);
  if (api === undefined) {
    const why = 'the service cannot tell which API the socket belongs to';
    return [rule('FileDescriptorName', never, { why, hint: nearestOrAll(named, names, 'APIs') })];
  }
  return [
    writtenBy('socket'),
    `# ${api.name}.socket: systemctl enable --now ${api.name}.socket, while ${serviceUnit(deployment)} does not run.`,
    '',
    '[Unit]',
    `Description=Socket of ${plain(api.name)}, served by Portico`,
    '',
    '[Socket]',
    needs(`ListenStream=${streamOf(api)}`, equal, { why: `${api.name} listens on ${streamOf(api)}` }),
    'path' in api.address && [
      'SocketMode=0660',
      '# If a proxy runs as another user, set SocketGroup= to one of its groups.',
    ],
    '# The name of the API, by which the service finds its socket.',
    `FileDescriptorName=${plain(api.name)}`,
    `Service=${serviceUnit(deployment)}`,
    rule('Accept', (value) => !isOn(value), { why: 'systemd would start the service for each connection' }),
    '',
    '[Install]',
    'WantedBy=sockets.target',
  ];
}

/** Throws for an API that uses any free port, or listens on a host name, which systemd.socket(5) does not resolve. */
function streamOf(api: ApiFacts): string {
  const { name, address } = api;
  if ('path' in address) return plain(address.path);
  const { host } = address;
  if (isIP(host) === 0) {
    const message = `${name} listens on ${host}: systemd accepts addresses but no host names`;
    throw new UsageError(message, 'Write the address in listen, such as 127.0.0.1.');
  }
  return plain(`${isIP(host) === 6 ? `[${host}]` : host}:${portOf(api)}`);
}

/** A socket in a directory of the service disappears when that stops. */
function warnings(deployment: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  return deployment.apis.flatMap(({ address }) => {
    if (!('path' in address) || below(MADE.RuntimeDirectory, dirname(address.path)) === undefined) return [];
    const message = `${address.path} is removed with the RuntimeDirectory of ${serviceUnit(deployment)} when it stops`;
    const hint = `Write RuntimeDirectoryPreserve=yes there, or remove ${dirname(address.path)} from it, because the socket unit creates it.`;
    return [{ message, hint }];
  });
}
