/** All parsers of text from clients: filters and apps that read headers, and functions that read one value. */

import { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { type App, compose, type Filter, quoteClient, targetMask } from 'portico/app';
import * as middleware from 'portico/middleware';
import { clientPattern, clientTime } from 'portico/openstack';
import { Mapper } from 'portico/routing';
import { type BuildOptions, buildFilter } from 'portico/testing';
import { preferredEncoding, preferredType } from '#internal/app';
import { decodePath, exchangeOf } from '../../dist/app/exchange.js';
import { overriddenMethod } from '../../dist/app/request-path.js';
import { createAjv, FORMATS } from '../../dist/app/schemas/create-ajv.js';
import { placeOfKey } from '../../dist/loader/composite/mount-table.js';
import { bestMatch, parseAccept, parseMediaType } from '../../dist/loader/composite/versioned-urlmap.js';
import { pathTest } from '../../dist/middleware/auth/token-check.js';
import { readForwarded, readXForwarded } from '../../dist/middleware/proxy-headers.js';
import { parseRule } from '../../dist/middleware/rate-limit.js';
import { SchemaCompiler } from '../../dist/routing/actions/schema-compiler.js';
import { enterMount } from '../../dist/routing/router-app.js';
import { parseJsonBody } from '../../dist/routing/serving/request-body.js';
import { VersionNegotiation } from '../../dist/routing/version-negotiation.js';
import { readableRequest } from '../../dist/server/connections/broken-connections.js';
import { CANONICAL, canonicalTarget, requestGuard } from '../../dist/server/requests/request-guard.js';
import { hostName } from '../../examples/compute/dist/names.js';
import type { ParserRow } from './parser-time.js';

const require = createRequire(import.meta.url);

/** A request as a server passes it on, without a connection. */
export function fakeRequest(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): IncomingMessage {
  const req = new IncomingMessage(new Socket());
  const all = { host: 'a', ...headers };
  Object.assign(req, {
    url,
    method,
    headers: { ...all },
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
  });
  req.rawHeaders.push(...Object.entries(all).flat());
  return req;
}

/** Passes a request to an app and discards the response. */
function serve(app: App, req: IncomingMessage): void {
  const done: unknown = app(req, new ServerResponse(req));
  if (done instanceof Promise) done.catch(() => undefined);
}

const answer: App = (req, res) => {
  preferredType(req, ['application/json', 'text/html']);
  preferredEncoding(req, ['br', 'gzip']);
  res.setHeader('content-type', 'text/plain');
  res.end('answer');
};

/** The fields that some parser reads. */
const FIELDS: readonly string[] = (
  'accept accept-encoding accept-language access-control-request-headers access-control-request-method ' +
  'authorization connection content-encoding content-length content-type cookie expect forwarded host if-match ' +
  'if-modified-since if-none-match if-range openstack-api-version origin range traceparent transfer-encoding ' +
  'user-agent x-auth-token x-auth-user x-correlation-id x-forwarded-for x-forwarded-host x-forwarded-prefix ' +
  'x-forwarded-proto x-http-method-override x-openstack-request-id x-openstack-nova-api-version x-real-ip ' +
  'x-request-timeout x-service-token'
).split(' ');

/** The filters that do not wait, around an app that negotiates. */
async function pipeline(): Promise<App> {
  const built = async (factory: Parameters<typeof buildFilter>[0], options: BuildOptions = {}): Promise<Filter> =>
    (await buildFilter(factory, options)).made;
  return compose(
    [
      await built(middleware.catchErrors),
      await built(middleware.requestLog),
      await built(middleware.requestId),
      await built(middleware.correlationId),
      await built(middleware.gatekeeper, { local: { strip_request: 'x-secret-*', move_request: 'x-a:x-b' } }),
      await built(middleware.proxyHeaders, {
        local: { trusted_proxies: 'loopback, 10.0.0.0/8', header_style: 'auto', trust_prefix: 'true' },
      }),
      await built(middleware.pathPrefix, { local: { prefix: '/a' } }),
      await built(middleware.readOnly),
      await built(middleware.rateLimit, { local: { rules: 'all token-hash 1000000/s 1000000 /a/*/c' } }),
      await built(middleware.cors, { local: { allowed_origin: String.raw`regex:https://[a-z]+\.example` } }),
      await built(middleware.compression),
      await built(middleware.etag),
      await built(middleware.deadline),
      await built(middleware.sizelimit),
      await built(middleware.debug, { config: '[DEFAULT]\ndebug = true\n' }),
    ],
    answer,
  );
}

const HEADERS_OF_ACCEPT = ['', 'a/b;q=', '"', 'a/b;x="'];

/** Values in JSON, in a format that a schema requires. */
function formatRows(): ParserRow[] {
  const ajv = createAjv('draft-07', { coerceTypes: false, verbose: false });
  return FORMATS.map((format) => {
    const validate = ajv.compile({ type: 'string', format });
    const before = {
      uri: ['', 'http://', 'a:', 'http://a@', 'http://a/?'],
      email: ['', 'a@', 'a@b.'],
      uuid: ['', 'urn:uuid:'],
    }[format];
    return { name: `the format ${format} of a schema`, parse: validate, ...(before === undefined ? {} : { before }) };
  });
}

/** Templates with several variables, for which a regular expression would backtrack exhaustively. */
const TEMPLATES: readonly string[] = (
  '/a-{b}-{c}-{d}-e /a/{b}.{c}.{d}.e /a/{b}--{c}x /{a}/{b}/{c}/{d} /a/{b}.:(format) /{a}~{b}~{c}~! /a/*b/a/*c/a ' +
  '/a/*b/x /*a/*b/*c/y /{a:[0-9a-f-]+} /{a:.*} /a/{b}-*c-d /{a}{b}{c}!'
).split(' ');

function routeRows(): ParserRow[] {
  const rowOf = (name: string, mapper: Mapper): ParserRow => ({
    name,
    before: ['/', '/a/', '/a-', '/a/b/a/'],
    units: ['-a', '--', '.a', '/a/', '/x', 'a:', 'aa/', '\\', '\\.'],
    after: ['/a', '-', '\n', '/'],
    length: 500,
    parse: (path) => mapper.match(path, { method: 'GET' }),
  });
  const single = TEMPLATES.map((template) => {
    const mapper = new Mapper();
    mapper.connect(null, template, { controller: 'c', action: 'a' });
    return rowOf(`the route ${template}`, mapper);
  });
  const every = new Mapper({ subDomains: true, prefix: '/a' });
  for (const template of TEMPLATES) every.connect(null, template, { controller: 'c', action: 'a' });
  return [...single, rowOf('a table of routes', every)];
}

/** Each field through all filters. */
async function fieldRows(): Promise<ParserRow[]> {
  const app = await pipeline();
  const preflight = new Set(['access-control-request-headers', 'access-control-request-method', 'origin']);
  return FIELDS.map((field) => ({
    name: `the field ${field} in a pipeline`,
    before: ['', ...(BEGINNINGS[field] ?? [])],
    parse: (text) => {
      const others = preflight.has(field)
        ? { origin: 'https://a.example', 'access-control-request-method': 'PUT' }
        : {};
      const req = fakeRequest('/a/b/c', { ...others, [field]: text }, preflight.has(field) ? 'OPTIONS' : 'GET');
      Object.defineProperty(req.socket, 'remoteAddress', { value: '127.0.0.1' });
      serve(app, req);
    },
  }));
}

const BEGINNINGS: Readonly<Record<string, readonly string[]>> = {
  accept: ['a/b;q=', '"', 'a/b;a="'],
  authorization: ['Basic ', 'Bearer ', 'basic  '],
  forwarded: ['for="', 'for=', 'for=1.2.3.4;host="'],
  origin: ['https://', 'https://a'],
  range: ['bytes='],
  'x-forwarded-for': ['[', '10.0.0.1,', '_'],
  'x-forwarded-host': ['[', 'a:'],
  'x-forwarded-prefix': ['/'],
};

/** The rows for {@link slowTextOf}: the time of each must grow linearly with its text. */
export async function parserRows(): Promise<ParserRow[]> {
  const parseForwarded = require('forwarded-parse') as Parameters<typeof readForwarded>[1];
  const query = require('fast-querystring') as { parse(text: string): unknown };
  const parseRange = require('range-parser') as (size: number, text: string, options: object) => unknown;
  const fresh = require('fresh') as (request: object, response: object) => boolean;
  const guard = requestGuard({ maxHeaders: 0, maxUrlLength: 0, allowUnderscoreHeaders: false, paths: 'normalize' });
  const versions = new VersionNegotiation({ serviceType: 'compute', min: '2.1', max: '2.90' });
  const mask = targetMask(['more']);
  const schemas = new SchemaCompiler();
  const unique = schemas.check({ type: 'array', uniqueItems: true }, 'body');
  const names = schemas.check(
    { type: 'object', additionalProperties: false, properties: { a: { type: 'integer' } } },
    'query',
  );
  const { made: nameCheck } = await buildFilter(middleware.nameCheck, { local: { strict: 'true' } });
  const { made: prefixed } = await buildFilter(middleware.pathPrefix, { local: { prefix: '/a/a', force_port: '80' } });
  const responseOf = (req: IncomingMessage): ServerResponse => new ServerResponse(req);
  const broken = { socket: { bytesRead: Number.MAX_VALUE }, exchanges: [], bytesBefore: 0 } as never;
  const rows: ParserRow[] = [
    {
      name: "nova's reading of Accept",
      before: HEADERS_OF_ACCEPT,
      parse: (text) => bestMatch(parseAccept(text), ['application/json', 'text/html', 'a/b']),
    },
    { name: "nova's reading of Content-Type", before: ['', 'a/b;version=', 'a/b;x="'], parse: parseMediaType },
    {
      name: 'Accept',
      before: HEADERS_OF_ACCEPT,
      parse: (text) => preferredType(fakeRequest('/', { accept: text }), ['text/html', 'a/b']),
    },
    {
      name: 'Accept-Encoding',
      before: ['', 'gzip;q=', 'gzip,', 'a;x="'],
      parse: (text) => preferredEncoding(fakeRequest('/', { 'accept-encoding': text }), ['br', 'gzip']),
    },
    {
      name: 'X-Forwarded-For',
      before: ['', '[', '10.0.0.1:', '::ffff:', '_'],
      parse: (text) => readXForwarded(text),
    },
    {
      name: 'Forwarded',
      before: ['', 'for="', 'for=a;', 'for='],
      parse: (text) => readForwarded(text, parseForwarded),
    },
    { name: 'Range', before: ['', 'bytes=', 'bytes=0-'], parse: (text) => parseRange(1000, text, { combine: true }) },
    {
      name: 'If-None-Match of a file',
      before: ['', '"', 'W/"'],
      parse: (text) => fresh({ 'if-none-match': text }, { etag: 'W/"a"' }),
    },
    {
      name: 'Cache-Control of a request',
      parse: (text) => fresh({ 'if-none-match': '"b"', 'cache-control': text }, { etag: '"a"' }),
    },
    {
      name: 'OpenStack-API-Version',
      before: ['', 'compute ', 'compute 2.'],
      parse: (text) =>
        versions.negotiate(versions.asked({ 'openstack-api-version': text }), responseOf(fakeRequest('/'))),
    },
    {
      name: 'X-OpenStack-Nova-API-Version',
      before: ['', '2.'],
      parse: (text) =>
        versions.negotiate(versions.asked({ 'x-openstack-nova-api-version': text }), responseOf(fakeRequest('/'))),
    },
    {
      name: 'the head of a request: its target',
      before: ['/', 'http://a', 'http://a/', '/?'],
      parse: (text) => guard(exchangeOf(fakeRequest(text))),
      length: 500,
    },
    {
      name: 'the head of a request: its host',
      before: ['', 'a', '[', 'a:'],
      parse: (text) => guard(exchangeOf(fakeRequest('http://a/', { host: text }))),
    },
    {
      name: 'the head of a request that is refused',
      before: ['', 'GET /', 'GET / HTTP/1.1\r\na:'],
      after: ['\u0000\r\n'],
      length: 125,
      parse: (text) => readableRequest(broken, Buffer.from(text)),
    },
    {
      name: 'the target, canonical',
      before: ['/', '/a?', 'http://', 'http://a/'],
      parse: (text) => CANONICAL.test(text) || canonicalTarget('GET', text),
      length: 500,
    },
    { name: 'the path, decoded', before: ['/', '/%ff'], parse: decodePath, length: 500 },
    {
      name: 'the path below a mount',
      before: ['/', '/a/'],
      parse: (text) => enterMount(fakeRequest(text), text.slice(1)),
      length: 500,
    },
    {
      name: 'a path below a prefix',
      before: ['/', '/a/a/', 'x?'],
      parse: (text) => serve(prefixed(answer), fakeRequest(text, { host: text })),
      length: 500,
    },
    {
      name: 'name_check',
      before: ['/', '/a', '/%25'],
      parse: (text) => serve(nameCheck(answer), fakeRequest(text)),
      length: 500,
    },
    {
      name: 'a place of a URL map',
      before: ['', '/', 'http://'],
      parse: (text) => placeOfKey(text, undefined),
      length: 500,
    },
    {
      name: 'an access rule',
      before: ['/'],
      parse: (text) => pathTest('/v2.1/{id}/**/servers/*')(text),
      length: 500,
    },
    {
      name: 'the path of a rate rule',
      before: ['/', '/a/'],
      parse: (text) => parseRule('a address 1/s 1 /a/*/c/*/d', undefined).path?.test(text),
      length: 500,
    },
    { name: 'a query', before: ['', 'a='], parse: query.parse },
    { name: 'a query, against its schema', parse: (text) => names(query.parse(text)) },
    { name: 'a query with its secrets masked', before: ['/?', '/?a=', '/?token=', '/?%'], parse: mask },
    {
      name: '_method',
      before: ['_method=', '_method&'],
      parse: (text) => overriddenMethod({ method: 'POST', query: text, form: text, contentType: text }),
    },
    { name: "a caller's time", before: ['', '2013-07-23T11:33:21.', '2013'], parse: clientTime },
    { name: "a caller's text in a message", parse: quoteClient },
    {
      name: 'JSON',
      before: ['', '"', '[', '{"a":'],
      units: ['{"a":', '[1],', '"a",', '1,', '"\\u005f_proto__":1,'],
      parse: (text) => parseJsonBody(null, Buffer.from(text)),
    },
    {
      name: 'items of JSON that must differ',
      textOf: (length) => 'x'.repeat(length),
      parse: (text) => unique(Array.from(text, (_, at) => [at, text.length])),
      length: 100,
    },
    {
      name: 'the host name of a server',
      before: ['', '-'],
      parse: (text) => hostName({ name: text, id: 'a' } as never),
    },
  ];
  return [...rows, ...formatRows(), ...routeRows(), ...patternRows(), ...(await fieldRows())];
}

/** A client's regular expression over a long name, and a long expression. */
function patternRows(): ParserRow[] {
  const hostile = ['(x+x+)+y', '(a*)*b', '(a|a)*b', '(.*)*!', '(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(.*a){12}'];
  return [
    ...hostile.map((pattern) => {
      const search = clientPattern(pattern);
      return { name: `a caller's pattern ${pattern}`, units: ['x', 'ax'], length: 40, parse: search };
    }),
    {
      name: "a caller's pattern by its length",
      before: ['', '(', '['],
      units: ['(a*)', 'a*', '(', 'a|', '[a]', 'a{9}'],
      length: 30,
      parse: (text) => clientPattern(text)('a'.repeat(255)),
    },
  ];
}
