// The six works: what is asked, and what every contestant has to answer.
import { created, missing, newServer, STREAMED_BYTES, server, streamedBody, versions } from './payloads.mjs';

const json = (value) => Buffer.from(JSON.stringify(value));
const TYPE = 'application/json';

/** What a client of such an API sends; a token alone makes the filters have something to do. */
const COMMON = [
  'Host: 127.0.0.1:8774',
  'User-Agent: bench',
  'Accept: application/json',
  'Accept-Encoding: identity',
  'X-Auth-Token: demo:demo',
];

/** What a proxy adds to a request. */
const FORWARDED = {
  'X-Forwarded-For': '192.0.2.7',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'api.example.org',
};

/** The answers of works 2 and 3. */
const ANSWERS = {
  work2: { status: 200, type: TYPE, body: json({ server }) },
  work3: { status: 202, type: TYPE, body: json(created) },
};

/**
 * By name. `filtered`: behind the seven filters, for those who have them. `requests`: how many of them are a round in
 * full; `warmUp`: how many come before, until V8 compiles nothing more:
 * after 10,000 its threads still took 20 µs a request of Portico, after 20,000 none; after 200 streamed answers Portico took 1.1
 * times as much as bare node:http, after 1,500 0.96. `served`: the work that the contestants are asked for, where it is another.
 * `logLevel`: `info` writes a line for each request. `forwarded`: a proxy on this machine is believed, and has sent the request.
 * `connections`: instead of the usual ones. `contestants`: the only ones, by name.
 */
export const WORKS = {
  work1: {
    title: 'versions document, no filters',
    request: request('GET', '/'),
    answer: { status: 200, type: TYPE, body: json(versions) },
    filtered: false,
    requests: 18_000,
    warmUp: 25_000,
  },
  work2: {
    title: 'JSON record of 504 bytes, seven filters',
    request: request('GET', `/v2.1/servers/${server.id}`),
    answer: ANSWERS.work2,
    filtered: true,
    requests: 18_000,
    warmUp: 25_000,
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
    warmUp: 25_000,
  },
  work3: {
    title: 'POST of 1 KB JSON with a schema, seven filters',
    request: request('POST', '/v2.1/servers', json(newServer)),
    answer: ANSWERS.work3,
    filtered: true,
    requests: 16_000,
    warmUp: 25_000,
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
    warmUp: 25_000,
  },
  work5: {
    title: '1 MiB streamed',
    request: request('GET', '/stream'),
    answer: { status: 200, type: 'application/octet-stream', body: streamedBody() },
    filtered: false,
    requests: 600,
    warmUp: 1500,
    length: STREAMED_BYTES,
  },
  work6: {
    title: 'versions document over TLS, kept connections',
    request: request('GET', '/'),
    answer: { status: 200, type: TYPE, body: json(versions) },
    filtered: false,
    secure: true,
    requests: 16_000,
    warmUp: 25_000,
  },
};

/** A work as it comes through a proxy that is believed: address, scheme and host are those that it tells. */
function behindProxy(served, text) {
  const title = `${served.replace('work', 'work ')} behind a proxy that is believed`;
  return { ...beside(served, title, text), forwarded: true };
}

/** A work on 64 connections. */
function onMany(served, text) {
  return { ...beside(served, `${served.replace('work', 'work ')} on 64 connections`, text), connections: 64 };
}

/** A work in another way, for those alone who have a target in it. */
function beside(served, title, text) {
  const contestants = ['portico', 'hooks'];
  const more = { filtered: true, requests: 12_000, warmUp: 25_000 };
  return { title, served, contestants, request: text, answer: ANSWERS[served], ...more };
}

/** Connections that the load keeps open, each with one request at a time. */
export const CONNECTIONS = 16;

/** A request as text; `headers` are added or, with undefined, leave out one of the usual. */
export function request(method, path, body, headers = {}) {
  const lines = COMMON.filter((line) => !(line.split(':', 1)[0].toLowerCase() in headers));
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`Content-Type: ${TYPE}`, `Content-Length: ${body.length}`);
  return [`${method} ${path} HTTP/1.1`, ...lines, '', body?.toString('latin1') ?? ''].join('\r\n');
}
