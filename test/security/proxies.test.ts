/** Ambiguous requests through nginx and HAProxy: the proxy and the server behind it must read the same requests. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { environ } from 'portico/app';
import { Server } from 'portico/server';
import { temporaryFolder } from '../fixtures/keeper.js';
import { Client, portOf } from '../server/raw-client.js';
import { proxyRows } from './proxy-rows.js';
import { endProxies, missing, startProxy } from './started-proxy.js';

/** A request that reached the app. */
interface Seen {
  readonly method: string;
  /** The target as received. */
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Proxies and the server give up on incomplete hostile requests after this time; other requests have a minute. */
const HOSTILE_MS = 200;
/** Known only to the proxies, which send it in `X-Proxy-Mark`, with an id and the method and target that they read. */
const secret = randomBytes(8).toString('hex');
const seen: Seen[] = [];
const ids = new Set<string>();
/** The connections of proxies to the server. */
const connections = new Set<unknown>();
/** Errors in requests that reached the app: not sent by a proxy, or with two readings. */
const wrong: string[] = [];

const server = new Server(
  'behind',
  (req, res) => {
    const { rawHeaders, method = '' } = req;
    connections.add(req.socket);
    const fields = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1]!] as const] : [],
    );
    const request = { method, target: environ(req).originalUrl, fields };
    const issue = faultOf(request);
    if (issue !== undefined) wrong.push(`${issue}: ${JSON.stringify(request)}`);
    res.setHeader('x-answer', seen.push(request) - 1);
    req.resume();
    req.on('end', () => res.end('seen'));
  },
  { bodyGrace: HOSTILE_MS / 1000 },
);

/** The path and query of a target in any form. */
const pathOf = (target: string): string => target.replace(/^https?:\/\/[^/?]*/i, '').replace(/^(?=\?|$)/, '/');

/** The error in a request that reached the app. */
function faultOf({ method, target, fields }: Seen): string | undefined {
  const of = (wanted: string) => fields.filter(([name]) => name === wanted).map(([, value]) => value);
  const [mark = '', ...others] = of('x-proxy-mark');
  const [key, id = '', meantMethod, meantTarget = ''] = mark.split(' ');
  if (key !== secret || others.length > 0) return 'no proxy meant it';
  if (ids.has(id)) return 'it came twice';
  ids.add(id);
  if (meantMethod !== method || pathOf(meantTarget) !== pathOf(target)) return 'its proxy meant another';
  const [host, length, coding] = [of('host'), of('content-length'), of('transfer-encoding')];
  if (host.length > 1 || length.length + coding.length > 1) return 'repeated fields';
  if (length.some((value) => !/^\d+$/.test(value)) || coding.some((value) => value.toLowerCase() !== 'chunked'))
    return 'framing';
  const authority = /^https?:\/\/([^/?]*)/i.exec(target)?.[1];
  if (authority !== undefined && authority !== host[0]) return 'two hosts';
  return undefined;
}

const folder = temporaryFolder('portico-proxies-');

/** Two sockets of a proxy: `path` for hostile requests, `probePath` for others over the same connections to the server. */
interface Way {
  readonly path: string;
  readonly probePath: string;
}
const wayOf = (name: string): Way => ({
  path: join(folder, `${name}.sock`),
  probePath: join(folder, `${name}-probe.sock`),
});

function nginxConfig(strict: Way, lax: Way): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (of) => `${of}_temp_path ${folder}/${of};`,
  );
  const listener = (path: string, timeout: string, location: string) => `
  server {
    listen unix:${path};
    client_header_timeout ${timeout};
    client_body_timeout ${timeout};
    keepalive_timeout ${timeout};
    lingering_timeout ${timeout};
    client_max_body_size 0;
    ${location}
  }`;
  const passing = (upstream: string, fields: string) => `
    location / {
      proxy_pass http://${upstream};
      proxy_http_version 1.1;
      proxy_set_header X-Proxy-Mark "${secret} $request_id $request_method $request_uri";
      ${fields}
    }`;
  // The location of `generate nginx`, and one that passes everything it can.
  const strictLocation = passing('strict', 'proxy_set_header Connection ""; proxy_set_header Host $host;');
  const laxLocation = `ignore_invalid_headers off; underscores_in_headers on; merge_slashes off;${passing(
    'lax',
    `proxy_set_header Connection $http_connection; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Host $http_host; proxy_request_buffering off;`,
  )}`;
  return `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log crit;
events { worker_connections 256; }
http {
  access_log off; ${temporary.join(' ')}
  upstream strict { server 127.0.0.1:${portOf(server)}; keepalive 4; }
  upstream lax { server 127.0.0.1:${portOf(server)}; keepalive 4; }
  ${listener(strict.path, `${HOSTILE_MS}ms`, strictLocation)} ${listener(strict.probePath, '60s', strictLocation)}
  ${listener(lax.path, `${HOSTILE_MS}ms`, laxLocation)} ${listener(lax.probePath, '60s', laxLocation)}
}
`;
}

function haproxyConfig(strict: Way, lax: Way): string {
  const frontend = (name: string, path: string, timeout: string, backend: string, more = '') => `
frontend ${name}
  bind unix@${path}
  timeout client ${timeout}
  timeout http-request ${timeout}
  timeout http-keep-alive ${timeout}
  ${more}
  http-request set-header X-Proxy-Mark "${secret} %[uuid()] %[method] %[url]"
  default_backend ${backend}`;
  const backend = (name: string) => `
backend ${name}
  http-reuse always
  server one 127.0.0.1:${portOf(server)}`;
  const accept = 'option accept-invalid-http-request';
  return `global
  nbthread 1
  maxconn 256
defaults
  mode http
  timeout connect 60s
  timeout server 60s
${frontend('strict', strict.path, `${HOSTILE_MS}ms`, 'strict')}
${frontend('strict-probe', strict.probePath, '60s', 'strict')}
${frontend('lax', lax.path, `${HOSTILE_MS}ms`, 'lax', accept)}
${frontend('lax-probe', lax.probePath, '60s', 'lax', accept)}
${backend('strict')}
${backend('lax')}
`;
}

const socketsOf = (...ways: readonly Way[]): string[] => ways.flatMap(({ path, probePath }) => [path, probePath]);

/** Sends bytes. Returns everything received until the connection ends. */
async function exchange(where: string | number, bytes: string): Promise<string> {
  const client = new Client(typeof where === 'number' ? where : connect(where));
  client.write(bytes);
  await client.closed;
  return client.received;
}

const answered = (received: string): Seen[] =>
  [...received.matchAll(/^x-answer: (\d+)\r$/gim)].map(([, number]) => seen[Number(number)]!);

/** Sends every row, each followed by a good request on its connection and a good one on the next. */
async function attack(way: Way): Promise<void> {
  const problems: string[] = [];
  let followed = 0;
  let rejected = 0;
  let number = 1000;
  for (const row of proxyRows) {
    number++;
    const bytes = `${row.replaceAll('/smuggled-0000', `/smuggled-${number}`)}GET /after-${number} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
    const received = await exchange(way.path, bytes);
    const tell = (problem: string) =>
      problems.push(`${problem}: ${JSON.stringify(bytes)} got ${JSON.stringify(received)}`);
    for (const { target } of answered(received)) {
      if (Number(/-(\d{4})$/.exec(target)?.[1] ?? number) !== number) tell(`an answer for ${target}`);
      if (target === `/after-${number}`) followed++;
    }
    if (/^HTTP\/1\.[01] [45]/m.test(received)) rejected++;
    const probe = await exchange(
      way.probePath,
      `GET /probe-${number} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    );
    const [own, ...others] = answered(probe);
    if (!probe.startsWith('HTTP/1.1 200 ') || own?.target !== `/probe-${number}` || others.length > 0) {
      tell(`the next request got ${JSON.stringify(probe)}`);
    }
  }
  assert.deepEqual(problems, []);
  assert.deepEqual(wrong, []);
  assert.ok(connections.size < seen.length / 2, `${connections.size} connections for ${seen.length} requests`);
  assert.ok(
    followed > 20 && rejected > 20,
    `${followed} good requests behind hostile ones were answered, ${rejected} refused`,
  );
}

before(() => server.start());
after(async () => {
  await endProxies();
  await server.stop();
});

test('the check finds a request that no proxy sent, and a mark that is used twice', async () => {
  const forged = (mark: string) => `GET / HTTP/1.1\r\nhost: x\r\nx-proxy-mark: ${mark}\r\nconnection: close\r\n\r\n`;
  for (const mark of ['forged', `${secret} 1 GET /`, `${secret} 1 GET /`, `${secret} 2 GET /other`]) {
    assert.equal(answered(await exchange(portOf(server), forged(mark))).length, 1);
  }
  assert.deepEqual(
    wrong.splice(0).map((text) => text.split(':')[0]),
    ['no proxy meant it', 'it came twice', 'its proxy meant another'],
  );
});

suite('RL-40 RL-41 RL-42 RL-48 a proxy and the server behind it read the same requests', { concurrency: true }, () => {
  test('nginx', { skip: missing('nginx') }, async () => {
    const [strict, lax] = [wayOf('nginx'), wayOf('nginx-lax')];
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, nginxConfig(strict, lax));
    await startProxy('nginx', ['-p', folder, '-c', file, '-e', join(folder, 'nginx.log')], socketsOf(strict, lax));
    await Promise.all([attack(strict), attack(lax)]);
  });

  test('HAProxy', { skip: missing('haproxy') }, async () => {
    const [strict, lax] = [wayOf('haproxy'), wayOf('haproxy-lax')];
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, haproxyConfig(strict, lax));
    await startProxy('haproxy', ['-db', '-f', file], socketsOf(strict, lax));
    await Promise.all([attack(strict), attack(lax)]);
  });
});
