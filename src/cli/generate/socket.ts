/**
 * A systemd.socket(5) unit for each API: connections wait in the socket while the service restarts.
 */
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { UsageError } from '../../config/internal.js';
import { type Diagnostic, nearestOrAll } from '../../errors/index.js';
import { formatAddress } from '../../service/internal.js';
import {
  type DeployedApi,
  type Deployment,
  type DeploymentFile,
  portOf,
  SERVICE_UNIT,
  type Tell,
  writtenBy,
} from './deployment.js';
import { isOn, MADE, parseUnit, plain } from './systemd-unit.js';
import { below } from './unit-places.js';

export const socket: DeploymentFile = { generate, check, warnings };

function generate({ apis }: Deployment): string {
  const [api, ...others] = apis;
  if (api === undefined) throw new UsageError('no API is enabled, so there is no socket');
  if (others.length > 0) {
    const names = apis.map(({ name }) => name).join(', ');
    throw new UsageError(`each API has its own socket unit: ${names}`, `Name one: --api ${api.name}.`);
  }
  return [
    writtenBy('socket'),
    `# ${api.name}.socket: systemctl enable --now ${api.name}.socket, while ${SERVICE_UNIT} does not run.`,
    '',
    '[Unit]',
    `Description=Socket of ${plain(api.name)}, served by Portico`,
    '',
    '[Socket]',
    `ListenStream=${streamOf(api)}`,
    ...('path' in api.address
      ? ['SocketMode=0660', '# If a proxy runs as another user, set SocketGroup= to one of its groups.']
      : []),
    '# The name of the API, by which the service finds its socket.',
    `FileDescriptorName=${plain(api.name)}`,
    `Service=${SERVICE_UNIT}`,
    '',
    '[Install]',
    'WantedBy=sockets.target',
  ].join('\n');
}

/** Throws for an API that uses any free port, or listens on a host name, which systemd.socket(5) does not resolve. */
function streamOf(api: DeployedApi): string {
  portOf(api);
  if ('host' in api.address && isIP(api.address.host) === 0) {
    const message = `${api.name} listens on ${api.address.host}: systemd accepts addresses but no host names`;
    throw new UsageError(message, 'Write the address in listen, such as 127.0.0.1.');
  }
  return plain('path' in api.address ? api.address.path : formatAddress(api.address));
}

/** A socket in a directory of the service disappears when that stops. */
function warnings({ apis }: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  return apis.flatMap(({ address }) => {
    if (!('path' in address) || below(MADE.RuntimeDirectory, dirname(address.path)) === undefined) return [];
    const message = `${address.path} is removed with the RuntimeDirectory of ${SERVICE_UNIT} when it stops`;
    const hint = `Write RuntimeDirectoryPreserve=yes there, or remove ${dirname(address.path)} from it, because the socket unit creates it.`;
    return [{ message, hint }];
  });
}

function check(text: string, { apis }: Deployment, tell: Tell): void {
  const unit = parseUnit(text, 'Socket');
  const name = unit.last('FileDescriptorName');
  const api = apis.find((each) => plain(each.name) === name.value);
  if (api === undefined) {
    const known = apis.map((each) => each.name);
    const message = `FileDescriptorName is ${name.value || 'missing'}: the service cannot tell which API the socket belongs to`;
    tell(name.line, message, nearestOrAll(name.value, known, 'APIs'));
    return;
  }
  const stream = unit.last('ListenStream');
  if (stream.value !== streamOf(api)) {
    const message = `ListenStream is ${stream.value || 'missing'}, and ${api.name} listens on ${streamOf(api)}`;
    tell(stream.line, message, `Write ListenStream=${streamOf(api)}.`);
  }
  const accept = unit.last('Accept');
  if (isOn(accept.value)) {
    const message = `Accept is ${accept.value}: systemd would start the service for each connection`;
    tell(accept.line, message, 'Leave it out.');
  }
}
