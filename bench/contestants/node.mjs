// Bare node:http, without filters and without a framework: the basis of all other contestants.
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { pipeline } from 'node:stream';
import { Ajv } from 'ajv';
import { created, missing, newServerSchema, pieces, routes, servers, versions, wrong } from '../works/payloads.mjs';
import { host, port, serve, tls } from './place.mjs';

function send(res, status, value) {
  const text = JSON.stringify(value);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

function documents(req, res) {
  if (req.url === '/' && req.method === 'GET') send(res, 200, versions);
  else send(res, 404, missing);
}

function records(req, res) {
  const id = req.url.startsWith('/v2.1/servers/') ? req.url.slice('/v2.1/servers/'.length) : '';
  const server = servers.get(id);
  if (server === undefined || req.method !== 'GET') send(res, 404, missing);
  else send(res, 200, { server });
}

function creation() {
  const isValid = new Ajv().compile(newServerSchema);
  return (req, res) => {
    if (req.url !== '/v2.1/servers' || req.method !== 'POST') return send(res, 404, missing);
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      let body;
      try {
        body = JSON.parse(Buffer.concat(chunks).toString());
      } catch {
        return send(res, 400, wrong);
      }
      if (isValid(body)) send(res, 202, created);
      else send(res, 400, wrong);
    });
  };
}

/** Returns a handwritten tree of segments, in which variables match last. */
function table() {
  const root = new Map();
  for (const [method, path] of routes()) {
    let node = root;
    for (const segment of path.split('/').slice(1)) {
      const key = segment.startsWith('{') ? '{}' : segment;
      if (!node.has(key)) node.set(key, new Map());
      node = node.get(key);
    }
    node.set(` ${method}`, () => ({}));
  }
  const find = (node, segments, at, method) => {
    if (at === segments.length) return node.get(method);
    const fixed = node.get(segments[at]);
    const found = fixed === undefined ? undefined : find(fixed, segments, at + 1, method);
    const variable = found === undefined ? node.get('{}') : undefined;
    return variable === undefined ? found : find(variable, segments, at + 1, method);
  };
  return (req, res) => {
    const handler = find(root, req.url.split('/'), 1, ` ${req.method}`);
    if (handler === undefined) send(res, 404, missing);
    else send(res, 200, handler());
  };
}

function stream(_req, res) {
  res.writeHead(200, { 'content-type': 'application/octet-stream' });
  pipeline(pieces(), res, () => {});
}

const listener = serve({
  work1: () => documents,
  work2: () => records,
  work3: creation,
  work4: table,
  work5: () => stream,
  work6: () => documents,
});
const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
server.listen(port, host);
