/**
 * A proxy: an upstream and a server block for each API, to be included in the `http` block of nginx.conf.
 */
import type { Diagnostic } from 'portico/extension';
import type { ApiFacts } from 'portico/service';
import { type Deployment, LONGEST_SECONDS, portOf, schemeOf, writtenBy } from './deployment.js';
import type { DeploymentFile, Lines } from './deployment-file.js';

export const nginx: DeploymentFile = { lines, warnings };

function warnings({ apis }: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  return apis
    .filter(({ needsCertificate }) => needsCertificate)
    .map(({ name }) => ({
      message: `${name} requires a client certificate, and proxy_ssl_certificate names none`,
      hint: 'Write proxy_ssl_certificate and proxy_ssl_certificate_key, with a certificate that ca_file verifies.',
    }));
}

function lines(deployment: Deployment): Lines {
  return [
    writtenBy('nginx', deployment),
    '',
    '# Upgrade requests, such as WebSockets, pass; all other connections are kept alive.',
    'map $http_upgrade $portico_connection {',
    '    default upgrade;',
    '    "" "";',
    '}',
    '# The port that the client asked for: $host has none.',
    'map $http_host $portico_port {',
    '    default "";',
    '    "~(?<portico_asked>:\\d{1,5})$" $portico_asked;',
    '}',
    deployment.apis.map((api) => apiLines(api, deployment)),
  ];
}

function apiLines(api: ApiFacts, { options }: Deployment): Lines {
  const { keepAliveTimeout: keepAlive, clientSocketTimeout: silence } = options;
  const name = api.name.replace(/[^\w-]/g, '_');
  return [
    '',
    `upstream ${name} {`,
    `    server ${quoted(serverOf(api))};`,
    keepAlive > 0 && [
      '    keepalive 32;',
      `    # Shorter than keep_alive_timeout, ${keepAlive} s: the API must not be the first to close.`,
      `    keepalive_timeout ${Math.max(1, Math.floor(Math.min(keepAlive - 5, 60)))}s;`,
    ],
    '}',
    '',
    'server {',
    '    listen 80;',
    `    server_name ${name}.example.org;`,
    '    # The API limits the size of bodies.',
    '    client_max_body_size 0;',
    '',
    '    location / {',
    `        proxy_pass ${schemeOf(api)}://${name};`,
    '        proxy_http_version 1.1;',
    '        proxy_set_header Connection $portico_connection;',
    '        proxy_set_header Upgrade $http_upgrade;',
    '        # client_socket_timeout: how long the API waits for a silent handler.',
    `        proxy_read_timeout ${silence === 0 ? LONGEST_SECONDS : Math.ceil(silence)}s;`,
    '        proxy_set_header Host $host$portico_port;',
    '        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    '        proxy_set_header X-Forwarded-Proto $scheme;',
    '        # The API trusts these headers from its proxy, so values from clients must not pass.',
    '        proxy_set_header X-Forwarded-Host $host$portico_port;',
    '        proxy_set_header X-Forwarded-Prefix "";',
    '        proxy_set_header Forwarded "";',
    api.usesTls && [
      "        # nginx does not verify the API's certificate: set proxy_ssl_verify on, with proxy_ssl_trusted_certificate.",
      '        proxy_ssl_server_name on;',
      '        proxy_ssl_session_reuse on;',
    ],
    '    }',
    '}',
  ];
}

/** Quotes a parameter for nginx. */
const quoted = (word: string): string => (/[\s"'\\;{}#$]/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word);

/** Returns the address for a proxy on this machine. Throws for an API that uses any free port. */
function serverOf(api: ApiFacts): string {
  portOf(api);
  return api.connect;
}
