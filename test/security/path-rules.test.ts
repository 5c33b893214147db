/** The rules by path of docs/how-to/proxies.md in nginx and HAProxy: no spelling of a path evades them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { requestPath } from 'portico/app';
import { Server } from 'portico/server';
import { temporaryFolder } from '../fixtures/keeper.js';
import { Client, portOf } from '../server/raw-client.js';
import { endProxies, missing, startProxy } from './started-proxy.js';

const page = readFileSync(new URL('../../docs/how-to/proxies.md', import.meta.url), 'utf8');

/** Returns the code of a row of the page's table. */
function ruleOf(proxy: string): string {
  const code = new RegExp(`^\\| ${proxy} \\| \`([^\`]+)\``, 'm').exec(page)?.[1];
  assert.ok(code !== undefined, `the page has no rule for ${proxy}`);
  return code;
}

/** Paths that the app has got. */
const reached: string[] = [];
const serverOf = (paths: 'normalize' | 'refuse'): Server =>
  new Server(
    paths,
    (req, res) => {
      reached.push(requestPath(req));
      res.end('served');
    },
    { paths },
  );
const normalizes = serverOf('normalize');
const refuses = serverOf('refuse');

/** All ways to write a character or none between the parts of `/admin`. */
function spellings(): string[] {
  const slashes = [
    '/',
    '//',
    '///',
    '/%2f',
    '%2f',
    '%2F%2f',
    '/./',
    '/%2e/',
    '/x/../',
    '/x/%2E%2e/',
    '/%5c',
    '\\',
    '/;/',
    '/%00',
    '/%252f',
  ];
  const words = [
    'admin',
    '%61dmin',
    'a%64min',
    '%41dmin',
    'admin%2f',
    'admin/',
    'admin//x',
    'admin;a=b',
    'admin%20',
    '%2561dmin',
  ];
  return slashes.flatMap((slash) =>
    words.map((word) => (slash.startsWith('/') ? `${slash}${word}` : `/${slash}${word}`)),
  );
}

const folder = temporaryFolder('portico-path-rules-');
const socketOf = (name: string): string => join(folder, `${name}.sock`);

before(() => Promise.all([normalizes.start(), refuses.start()]));
after(async () => {
  await endProxies();
  await Promise.all([normalizes.stop(), refuses.stop()]);
});

/** Sends every spelling, and returns those by which the app was reached at `/admin` or below it. */
async function evading(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const target of spellings()) {
    reached.length = 0;
    const client = new Client(connect(path));
    client.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    await client.closed;
    if (reached.some((one) => /^\/admin(?![^/;])/.test(one))) found.push(target);
  }
  return found;
}

/** Other paths still pass. */
async function passes(path: string): Promise<void> {
  reached.length = 0;
  for (const target of ['/', '/shop/a%20b?x=//admin']) {
    const client = new Client(connect(path));
    client.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    await client.closed;
  }
  assert.deepEqual(reached, ['/', '/shop/a b']);
}

test('AU-3 the rule for nginx holds, with paths = normalize and refuse', { skip: missing('nginx') }, async () => {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (of) => `${of}_temp_path ${folder}/${of};`,
  );
  const site = (name: string, more: string, server: Server) => `server { listen unix:${socketOf(name)}; ${more}
    ${ruleOf('nginx')} location / { proxy_pass http://127.0.0.1:${portOf(server)}; } }`;
  const names = ['nginx', 'nginx-refuse', 'nginx-unmerged', 'nginx-unmerged-refuse'];
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log crit;
events { worker_connections 256; }
http { access_log off; ${temporary.join(' ')}
  ${site(names[0]!, '', normalizes)} ${site(names[1]!, '', refuses)}
  ${site(names[2]!, 'merge_slashes off;', normalizes)} ${site(names[3]!, 'merge_slashes off;', refuses)} }
`,
  );
  const words = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'nginx.log')];
  await startProxy('nginx', words, names.map(socketOf));
  for (const name of [names[0]!, names[1]!, names[3]!]) {
    assert.deepEqual(await evading(socketOf(name)), [], name);
    await passes(socketOf(name));
  }
  // Why the page says so.
  assert.ok((await evading(socketOf(names[2]!))).includes('//admin'));
});

test('AU-3 the rule for HAProxy holds, and path_beg does with paths = refuse', {
  skip: missing('haproxy'),
}, async () => {
  const deny = ruleOf('HAProxy');
  const prefix = 'http-request deny if { path_beg /admin }';
  const merges =
    'http-request normalize-uri path-merge-slashes\n  http-request normalize-uri percent-decode-unreserved';
  const site = (name: string, rules: string, server: Server) => `
frontend ${name}
  bind unix@${socketOf(name)}
  ${rules}
  default_backend ${name}
backend ${name}
  server one 127.0.0.1:${portOf(server)}`;
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  expose-experimental-directives
defaults
  mode http
  timeout client 60s
  timeout connect 60s
  timeout server 60s
${site('decoded', deny, normalizes)}${site('prefix', prefix, normalizes)}${site('prefix-refuse', prefix, refuses)}
${site('normalized', `${merges}\n  ${prefix}`, normalizes)}
`,
  );
  const names = ['decoded', 'prefix', 'prefix-refuse', 'normalized'];
  await startProxy('haproxy', ['-db', '-f', file], names.map(socketOf));
  for (const name of ['decoded', 'prefix-refuse']) {
    assert.deepEqual(await evading(socketOf(name)), [], name);
    await passes(socketOf(name));
  }
  // Why the page says so.
  const evaded = await evading(socketOf('prefix'));
  for (const target of ['//admin', '/%2fadmin', '/%61dmin']) assert.ok(evaded.includes(target), target);
  const unmerged = await evading(socketOf('normalized'));
  assert.deepEqual([unmerged.includes('//admin'), unmerged.includes('/%2fadmin')], [false, true]);
});
