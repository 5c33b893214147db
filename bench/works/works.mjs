// The six works: the requests, and the required responses.
import { created, missing, newServer, STREAMED_BYTES, server, streamedBody, versions } from './payloads.mjs';

const json = (value) => Buffer.from(JSON.stringify(value));
const TYPE = 'application/json';

/** Headers of such an API's clients. Only a token gives the filters work. */
const COMMON = [
  'Host: 127.0.0.1:8774',
  'User-Agent: bench',
  'Accept: application/json',
  'Accept-Encoding: identity',
  'X-Auth-Token: demo:demo',
];

/** Headers that a proxy adds to a request. */
export const FORWARDED = {
  'X-Forwarded-For': '192.0.2.7',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'api.example.org',
};

/** The warm-up of a usual work. */
const WARM_UP = { first: 25_000, most: 500_000 };

/** The responses of works 2 and 3. */
const ANSWERS = {
  work2: { status: 200, type: TYPE, body: json({ server }) },
  work3: { status: 202, type: TYPE, body: json(created) },
};

/**
 * The works by name. `filtered`: behind the seven filters, for contestants that have them. `requests`: the number in a full round.
 * `warmUp`: how many of the first requests after the start are a separate figure, and the most requests before the measurement, which
 * begins when V8 compiles nothing more. For streams the number is fixed, because V8's collector keeps its threads busy: after 200 streamed
 * responses Portico took 1.1 times as much as bare node:http, after 1,500 0.96. `served`: the work that the contestants are started with,
 * if it differs. `logLevel`: `info` writes a line for each request. `forwarded`: the request comes through a trusted proxy on this
 * machine. `connections`: replaces the usual number. `contestants`: the names of the only contestants.
 */
export const WORKS = {
  work1: {
    title: 'versions document, no filters',
    request: request('GET', '/'),
    answer: { status: 200, type: TYPE, body: json(versions) },
    filtered: false,
    requests: 18_000,
    warmUp: WARM_UP,
  },
  work2: {
    title: 'JSON record of 504 bytes, seven filters',
    request: request('GET', `/v2.1/servers/${server.id}`),
    answer: ANSWERS.work2,
    filtered: true,
    requests: 18_000,
    warmUp: WARM_UP,
  },
  'work2-logged': {
    title: 'work 2 with its log lines written to /dev/null',
    served: 'work2',
    logLevel: 'info',
    contestants: ['portico', 'hooks', 'oslo'],
    request: request('GET', `/v2.1/servers/${server.id}`),
    answer: ANSWERS.work2,
    filtered: true,
    requests: 8000,
    warmUp: WARM_UP,
  },
  'work2-plain': {
    title: 'work 2 without filters',
    served: 'plain',
    contestants: ['portico', 'fastify'],
    request: request('GET', `/v2.1/servers/${server.id}`),
    answer: ANSWERS.work2,
    filtered: false,
    requests: 18_000,
    warmUp: WARM_UP,
  },
  work3: {
    title: 'POST of 1 KB JSON with a schema, seven filters',
    request: request('POST', '/v2.1/servers', json(newServer)),
    answer: ANSWERS.work3,
    filtered: true,
    requests: 16_000,
    warmUp: WARM_UP,
  },
  'work2-forwarded': behindProxy('work2', request('GET', `/v2.1/servers/${server.id}`, undefined, FORWARDED)),
  'work2-connections': onMany('work2', request('GET', `/v2.1/servers/${server.id}`)),
  'work3-forwarded': behindProxy('work3', request('POST', '/v2.1/servers', json(newServer), FORWARDED)),
  'work3-connections': onMany('work3', request('POST', '/v2.1/servers', json(newServer))),
  work4: {
    title: 'miss in a table of 400 routes',
    request: request('GET', `/6f70656e737461636b20342065766572/servers/${server.id}/os-nowhere`),
    answer: { status: 404, type: TYPE, body: json(missing) },
    filtered: false,
    requests: 18_000,
    warmUp: WARM_UP,
  },
  work5: {
    title: '1 MiB streamed',
    request: request('GET', '/stream'),
    answer: { status: 200, type: 'application/octet-stream', body: streamedBody() },
    filtered: false,
    requests: 600,
    warmUp: { first: 1500, most: 1500 },
    length: STREAMED_BYTES,
  },
  work6: {
    title: 'versions document over TLS, kept connections',
    request: request('GET', '/'),
    answer: { status: 200, type: TYPE, body: json(versions) },
    filtered: false,
    secure: true,
    requests: 16_000,
    warmUp: WARM_UP,
  },
};

/** A work through a trusted proxy, whose headers determine address, scheme and host. */
function behindProxy(served, text) {
  const title = `${served.replace('work', 'work ')} behind a trusted proxy`;
  return { ...beside(served, title, text), forwarded: true };
}

/** A work on 64 connections. */
function onMany(served, text) {
  return { ...beside(served, `${served.replace('work', 'work ')} on 64 connections`, text), connections: 64 };
}

/** A variant of a work, only for the contestants with a target for it. */
function beside(served, title, text) {
  const contestants = ['portico', 'hooks'];
  const more = { filtered: true, requests: 12_000, warmUp: WARM_UP };
  return { title, served, contestants, request: text, answer: ANSWERS[served], ...more };
}

/** The number of open connections of the load, each with one request at a time. */
export const CONNECTIONS = 16;

/** Returns a request as text. `headers` are added; one with the value undefined removes a common header. */
export function request(method, path, body, headers = {}) {
  const lines = COMMON.filter((line) => !(line.split(':', 1)[0].toLowerCase() in headers));
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`Content-Type: ${TYPE}`, `Content-Length: ${body.length}`);
  return [`${method} ${path} HTTP/1.1`, ...lines, '', body?.toString('latin1') ?? ''].join('\r\n');
}
