/**
 * A systemd.socket(5) unit for each API: connections wait in the socket while the service restarts.
 */
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { type Diagnostic, UsageError } from 'portico/extension';
import type { ApiFacts } from 'portico/service';
import { type Deployment, portOf, serviceUnit, writtenBy } from './deployment.js';
import type { DeploymentFile, Lines } from './deployment-file.js';
import { below, MADE, plain } from './systemd-unit.js';

export const socket: DeploymentFile = { lines, warnings };

function lines(deployment: Deployment): Lines {
  const { apis } = deployment;
  const [api, ...others] = apis;
  if (api === undefined) throw new UsageError('no API is enabled, so there is no socket');
  if (others.length > 0) {
    const names = apis.map(({ name }) => name).join(', ');
    throw new UsageError(`each API has its own socket unit: ${names}`, `Name one: --api ${api.name}.`);
  }
  return [
    writtenBy('socket', deployment),
    `# ${api.name}.socket: systemctl enable --now ${api.name}.socket, while ${serviceUnit(deployment)} does not run.`,
    '',
    '[Unit]',
    `Description=Socket of ${plain(api.name)}, served by Portico`,
    '',
    '[Socket]',
    `ListenStream=${streamOf(api)}`,
    'path' in api.address && [
      'SocketMode=0660',
      '# If a proxy runs as another user, set SocketGroup= to one of its groups.',
    ],
    '# The name of the API, by which the service finds its socket.',
    `FileDescriptorName=${plain(api.name)}`,
    `Service=${serviceUnit(deployment)}`,
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
