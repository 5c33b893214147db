/**
 * A proxy: an upstream and a server block for each API, to be included in the `http` block of nginx.conf.
 */
import type { Diagnostic } from '../../errors/index.js';
import { formatAddress, isWildcard } from '../../service/internal.js';
import {
  any,
  atLeast,
  type DeploymentFile,
  type Entry,
  equal,
  type Fits,
  type Lines,
  needs,
  noneOf,
  rule,
  secondsOf,
} from './compare.js';
import { type DeployedApi, type Deployment, portOf, schemeOf, writtenBy } from './deployment.js';

/** nginx has no value for no limit. */
const LONGEST_SECONDS = 86_400;

export const nginx: DeploymentFile = { lines, read, warnings };

function warnings({ apis }: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  return apis.filter(({ needsCertificate }) => needsCertificate).map(certificateMissing);
}

const certificateMissing = ({ name }: DeployedApi): { message: string; hint: string } => ({
  message: `${name} requires a client certificate, and proxy_ssl_certificate names none`,
  hint: 'Write proxy_ssl_certificate and proxy_ssl_certificate_key, with a certificate that ca_file verifies.',
});

function lines(deployment: Deployment, file: readonly Entry[] = []): Lines {
  return [
    writtenBy('nginx'),
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
    deployment.apis.map((api) => apiLines(api, deployment, file)),
  ];
}

function apiLines(api: DeployedApi, deployment: Deployment, file: readonly Entry[]): Lines {
  const { keepAlive } = deployment;
  const [name, server, scheme, silence] = [
    upstreamOf(api, file),
    serverOf(api),
    schemeOf(api),
    readSeconds(deployment),
  ];
  const { message, hint } = certificateMissing(api);
  const isKept: Fits = (value, wanted) => keepAlive === 0 || value === wanted;
  const kept = {
    unset: '',
    why: 'connections to the API are not kept alive',
    hint: 'Write proxy_http_version 1.1; proxy_set_header Connection "";',
  };
  const trusted = { unset: '', why: 'the API trusts it from its proxy', hint: 'Set it, or clear it with "".' };
  return [
    '',
    `upstream ${name} {`,
    needs(`    server ${quoted(server)};`, equal, { isOne: true, why: `${api.name} listens on ${server}` }),
    keepAlive > 0 && [
      needs('    keepalive 32;', any, { why: 'each request opens a connection' }),
      `    # Shorter than keep_alive_timeout, ${keepAlive} s: the API must not be the first to close.`,
      needs(`    keepalive_timeout ${idleSeconds(deployment)}s;`, (idle) => secondsOf(idle) < keepAlive, {
        unset: '60s',
      }),
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
    `        proxy_pass ${scheme}://${name};`,
    rule(`${name}.proxy_pass`, equal, { why: `${api.name} uses ${scheme}` }),
    needs('        proxy_http_version 1.1;', isKept, kept),
    needs('        proxy_set_header Connection $portico_connection;', isKept, kept),
    '        proxy_set_header Upgrade $http_upgrade;',
    '        # client_socket_timeout: how long the API waits for a silent handler.',
    needs(`        proxy_read_timeout ${silence}s;`, atLeast(silence, secondsOf), {
      unset: '',
      why: `nginx answers 504, although the API lets a handler work for ${silence} s`,
    }),
    '        proxy_set_header Host $host$portico_port;',
    needs('        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;', isOurs, trusted),
    needs('        proxy_set_header X-Forwarded-Proto $scheme;', isOurs, trusted),
    '        # The API trusts these headers from its proxy, so values from clients must not pass.',
    needs('        proxy_set_header X-Forwarded-Host $host$portico_port;', isOurs, trusted),
    needs('        proxy_set_header X-Forwarded-Prefix "";', isOurs, trusted),
    needs('        proxy_set_header Forwarded "";', isOurs, trusted),
    api.tls && [
      "        # nginx does not verify the API's certificate: set proxy_ssl_verify on, with proxy_ssl_trusted_certificate.",
      '        proxy_ssl_server_name on;',
      '        proxy_ssl_session_reuse on;',
    ],
    api.needsCertificate && rule(`${name}.proxy_ssl_certificate`, any, { why: message, hint }),
    '    }',
    '}',
  ];
}

/** Quotes a parameter for nginx. */
const quoted = (word: string): string => (/[\s"'\\;{}#$]/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word);

/** Returns the name of the upstream: that of an existing file for the same server, if it has none of the API's name. */
function upstreamOf(api: DeployedApi, file: readonly Entry[]): string {
  const own = api.name.replace(/[^\w-]/g, '_');
  if (file.some(({ key }) => key === `upstream ${own}`)) return own;
  const same = file.find(({ key, value }) => /^upstream .*\.server$/.test(key) && value === serverOf(api));
  return same?.key.slice('upstream '.length, -'.server'.length) ?? own;
}

const idleSeconds = ({ keepAlive }: Deployment): number => Math.max(1, Math.floor(Math.min(keepAlive - 5, 60)));

const readSeconds = ({ silence }: Deployment): number => (silence === 0 ? LONGEST_SECONDS : Math.ceil(silence));

/** Returns the address for a proxy on this machine. */
function serverOf(api: DeployedApi): string {
  const { address } = api;
  if ('path' in address) return `unix:${address.path}`;
  const port = portOf(api)!;
  if (!('host' in address) || isWildcard(address.host)) return `127.0.0.1:${port}`;
  return formatAddress({ host: address.host, port });
}

/** Value of a header that the proxy does not set. */
const CLIENTS = 'what the client sent';

const isOurs = noneOf(CLIENTS);

/** Settings of a location that are not set. */
const UNSET = {
  proxy_http_version: '1.0',
  proxy_read_timeout: '60s',
  proxy_ssl_certificate: '',
  'proxy_set_header connection': 'close',
  'proxy_set_header x-forwarded-for': CLIENTS,
  'proxy_set_header x-forwarded-proto': CLIENTS,
  'proxy_set_header x-forwarded-host': CLIENTS,
  'proxy_set_header x-forwarded-prefix': CLIENTS,
  'proxy_set_header forwarded': CLIENTS,
};

/** Reads the upstreams, and the settings that apply to each `proxy_pass`, below the name of its upstream. */
function read(text: string): Entry[] {
  const directives = parseNginx(text);
  const upstreams = directives.flatMap(({ words: [word, name], inside, line }) => {
    if (word !== 'upstream') return [];
    const servers = inside.map(({ words, line }) => ({
      key: `upstream ${name}.${words[0]}`,
      value: words[1] ?? '',
      line,
    }));
    return [{ key: `upstream ${name}`, value: '', line }, ...servers];
  });
  return [{ key: '', value: '', line: 1 }, ...upstreams, ...passesOf(directives, whenNotUpgraded(directives))];
}

/** Returns the values of variables for a request without an upgrade. */
function whenNotUpgraded(directives: readonly Directive[]): ReadonlyMap<string, string> {
  const maps = directives.filter(({ words }) => words[0] === 'map' && words[1] === '$http_upgrade');
  return new Map(
    maps.map(({ words, inside }) => [words[2]!, inside.find((each) => each.words[0] === '')?.words[1] ?? 'upgrade']),
  );
}

/** Returns the settings of each `proxy_pass` in a block, with those around it. */
function passesOf(
  block: readonly Directive[],
  variables: ReadonlyMap<string, string>,
  around: readonly Entry[] = [],
): Entry[] {
  const set = [...around, ...block.map(({ words, line }) => ({ key: settingOf(words), value: words.at(-1)!, line }))];
  return block.flatMap(({ words, inside, line }) => {
    const [, scheme, host] = /^(https?):\/\/([^/:]+)/.exec(words[0] === 'proxy_pass' ? words[1]! : '') ?? [];
    if (host === undefined) return passesOf(inside, variables, set);
    const settings = Object.entries(UNSET).map(([key, unset]) => {
      const { value, ...found } = set.findLast((each) => each.key === key) ?? { value: unset, line };
      return { ...found, key: `${host}.${key}`, value: variables.get(value) ?? value };
    });
    return [{ key: `${host}.proxy_pass`, value: scheme!, line }, ...settings];
  });
}

const settingOf = (words: readonly string[]): string =>
  words[0] === 'proxy_set_header' ? `proxy_set_header ${words[1]!.toLowerCase()}` : words[0]!;

/** A directive, and those in its block. */
interface Directive {
  /** Its name, and its parameters without quotes. */
  readonly words: readonly string[];
  readonly inside: readonly Directive[];
  /** Line, from 1. */
  readonly line: number;
}

/** Comments, quoted words, the three delimiters, and other words. */
const TOKENS = /#[^\n]*|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|[{};]|(?:\$\{[^}]*\}|[^\s{};])+/g;

/** Parses the text; a file that nginx would refuse, as far as possible. */
function parseNginx(text: string): readonly Directive[] {
  const top: Directive[] = [];
  const blocks: Directive[][] = [top];
  let words: string[] = [];
  let line = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [token, double, single] = match;
    if (token.startsWith('#')) continue;
    if (token === '}') {
      if (blocks.length > 1) blocks.pop();
    } else if (token === ';' || token === '{') {
      const inside: Directive[] = [];
      if (words.length > 0) blocks.at(-1)!.push({ words, inside, line });
      if (token === '{') blocks.push(inside);
      words = [];
    } else {
      if (words.length === 0) line = text.slice(0, match.index).split('\n').length;
      words.push((double ?? single)?.replace(/\\(.)/g, '$1') ?? token);
    }
  }
  return top;
}
