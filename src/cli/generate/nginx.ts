/**
 * A proxy: an upstream and a server block for each API, to be included in the `http` block of nginx.conf.
 */
import type { Diagnostic } from '../../errors/index.js';
import { formatAddress, isWildcard } from '../../service/internal.js';
import {
  type DeployedApi,
  type Deployment,
  type DeploymentFile,
  portOf,
  schemeOf,
  secondsOf,
  type Tell,
  writtenBy,
} from './deployment.js';

/** Default of nginx's `keepalive_timeout` of an upstream. */
const DEFAULT_KEEPALIVE_SECONDS = 60;
/** Default of nginx's `proxy_read_timeout`. */
const DEFAULT_READ_SECONDS = 60;
/** nginx has no value for no limit. */
const LONGEST_SECONDS = 86_400;

export const nginx: DeploymentFile = { generate, check, warnings };

function warnings({ apis }: Deployment): Pick<Diagnostic, 'message' | 'hint'>[] {
  return apis.filter(({ needsCertificate }) => needsCertificate).map(certificateMissing);
}

const certificateMissing = ({ name }: DeployedApi): { message: string; hint: string } => ({
  message: `${name} requires a client certificate, and proxy_ssl_certificate names none`,
  hint: 'Write proxy_ssl_certificate and proxy_ssl_certificate_key, with a certificate that ca_file verifies.',
});

function generate(deployment: Deployment): string {
  const { apis, keepAlive } = deployment;
  const lines = [
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
  ];
  for (const api of apis) {
    const name = upstreamOf(api);
    lines.push(
      '',
      `upstream ${name} {`,
      `    server ${quoted(serverOf(api))};`,
      ...(keepAlive === 0
        ? []
        : [
            '    keepalive 32;',
            `    # Shorter than keep_alive_timeout, ${keepAlive} s: the API must not be the first to close.`,
            `    keepalive_timeout ${idleSeconds(deployment)}s;`,
          ]),
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
      `        proxy_read_timeout ${readSeconds(deployment)}s;`,
      '        proxy_set_header Host $host$portico_port;',
      '        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
      '        proxy_set_header X-Forwarded-Proto $scheme;',
      '        # The API trusts these headers from its proxy, so values from clients must not pass.',
      '        proxy_set_header X-Forwarded-Host $host$portico_port;',
      '        proxy_set_header X-Forwarded-Prefix "";',
      '        proxy_set_header Forwarded "";',
      ...(api.tls
        ? [
            "        # nginx does not verify the API's certificate: set proxy_ssl_verify on, with proxy_ssl_trusted_certificate.",
            '        proxy_ssl_server_name on;',
            '        proxy_ssl_session_reuse on;',
          ]
        : []),
      '    }',
      '}',
    );
  }
  return lines.join('\n');
}

/** Headers that a proxy has to set or clear, because its client may have sent them. */
const BELIEVED = ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Prefix', 'Forwarded'];

/** Quotes a parameter for nginx. */
const quoted = (word: string): string => (/[\s"'\\;{}#$]/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word);

const upstreamOf = ({ name }: DeployedApi): string => name.replace(/[^\w-]/g, '_');

const idleSeconds = ({ keepAlive }: Deployment): number =>
  Math.max(1, Math.floor(Math.min(keepAlive - 5, DEFAULT_KEEPALIVE_SECONDS)));

const readSeconds = ({ silence }: Deployment): number => (silence === 0 ? LONGEST_SECONDS : Math.ceil(silence));

/** Returns the address for a proxy on this machine. */
function serverOf(api: DeployedApi): string {
  const { address } = api;
  if ('path' in address) return `unix:${address.path}`;
  const port = portOf(api)!;
  if (!('host' in address) || isWildcard(address.host)) return `127.0.0.1:${port}`;
  return formatAddress({ host: address.host, port });
}

function check(text: string, deployment: Deployment, tell: Tell): void {
  const directives = parseNginx(text);
  for (const api of deployment.apis) checkApi(api, directives, deployment, tell);
}

function checkApi(api: DeployedApi, directives: readonly Directive[], deployment: Deployment, tell: Tell): void {
  const wanted = serverOf(api);
  const serversOf = (upstream: Directive): Directive[] => upstream.inside.filter(({ words }) => words[0] === 'server');
  const upstreams = directives.filter(({ words }) => words[0] === 'upstream');
  const upstream =
    upstreams.find(({ words }) => words[1] === upstreamOf(api)) ??
    upstreams.find((each) => serversOf(each).some(({ words }) => words[1] === wanted));
  if (upstream === undefined) {
    tell(1, `no upstream has a server ${wanted}, where ${api.name} listens`);
    return;
  }
  const servers = serversOf(upstream);
  if (!servers.some(({ words }) => words[1] === wanted)) {
    const [{ words, line } = upstream] = servers;
    tell(line, `the server of ${upstream.words[1]} is ${words[1]}; ${api.name} listens on ${wanted}`);
  }
  checkIdle(upstream, deployment, tell);
  checkPasses(upstream.words[1]!, api, directives, deployment, tell);
}

function checkIdle(upstream: Directive, deployment: Deployment, tell: Tell): void {
  const of = (name: string): Directive | undefined => upstream.inside.find(({ words }) => words[0] === name);
  const { keepAlive } = deployment;
  if (keepAlive === 0) return;
  if (of('keepalive') === undefined) {
    tell(upstream.line, `${upstream.words[1]} keeps no connections: each request opens one`, 'Write keepalive 32;');
    return;
  }
  const timeout = of('keepalive_timeout');
  const seconds = timeout === undefined ? DEFAULT_KEEPALIVE_SECONDS : secondsOf(timeout.words[1]!);
  if (seconds < keepAlive) return;
  const message = `keepalive_timeout is ${seconds} s: the API closes idle connections after ${keepAlive} s, with requests on their way`;
  tell((timeout ?? upstream).line, message, `Write keepalive_timeout ${idleSeconds(deployment)}s;`);
}

/** Returns the variables that are empty for a request without an upgrade. */
function emptiedBy(directives: readonly Directive[]): ReadonlySet<string> {
  const maps = directives.filter(({ words }) => words[0] === 'map' && words[1] === '$http_upgrade');
  const empty = maps.filter(({ inside }) => inside.some(({ words }) => words[0] === '' && words[1] === ''));
  return new Set(empty.map(({ words }) => words[2]!));
}

/** Returns the directives of a block and of those in it, each with the settings of its block and of those around it. */
function withSettings(
  block: readonly Directive[],
  around: ReadonlyMap<string, string> = new Map(),
): (Directive & { readonly set: ReadonlyMap<string, string> })[] {
  const set = new Map([...around, ...block.map(({ words }): [string, string] => [settingOf(words), words.at(-1)!])]);
  return block.flatMap((directive) => [{ ...directive, set }, ...withSettings(directive.inside, set)]);
}

/** Checks the locations that forward to the API. */
function checkPasses(
  upstream: string,
  api: DeployedApi,
  directives: readonly Directive[],
  deployment: Deployment,
  tell: Tell,
): void {
  const emptied = emptiedBy(directives);
  for (const { words, line, set } of withSettings(directives)) {
    const [, scheme, host] = /^(https?):\/\/([^/:]+)/.exec(words[0] === 'proxy_pass' ? words[1]! : '') ?? [];
    if (host !== upstream) continue;
    if (scheme !== schemeOf(api)) {
      const hint = `Write proxy_pass ${schemeOf(api)}://${upstream};`;
      tell(line, `proxy_pass uses ${scheme}, but ${api.name} uses ${schemeOf(api)}`, hint);
    }
    if (api.needsCertificate && !set.has('proxy_ssl_certificate')) {
      const { message, hint } = certificateMissing(api);
      tell(line, message, hint);
    }
    const connection = set.get('proxy_set_header connection');
    const isKept = set.get('proxy_http_version') === '1.1' && (connection === '' || emptied.has(connection ?? ''));
    const read = set.get('proxy_read_timeout');
    if ((read === undefined ? DEFAULT_READ_SECONDS : secondsOf(read)) < readSeconds(deployment)) {
      const message = `proxy_read_timeout is ${read ?? DEFAULT_READ_SECONDS}: nginx answers 504, although the API lets a handler work for ${readSeconds(deployment)} s`;
      tell(line, message, `Write proxy_read_timeout ${readSeconds(deployment)}s;`);
    }
    if (deployment.keepAlive > 0 && !isKept) {
      const message =
        'connections to the API are not kept alive: by default, nginx sends HTTP/1.0 or "Connection: close"';
      tell(line, message, 'Write proxy_http_version 1.1; proxy_set_header Connection "";');
    }
    const open = BELIEVED.filter((name) => !set.has(`proxy_set_header ${name.toLowerCase()}`));
    if (open.length > 0) {
      const message = `${open.join(', ')} from a client reaches the API, which trusts it from its proxy`;
      tell(line, message, `Set it, or clear it: proxy_set_header ${open[0]} "";`);
    }
  }
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
