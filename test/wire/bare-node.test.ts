/** Tests that clients read the same bytes as from plain Node, whatever a handler does with its response. */

import assert from 'node:assert/strict';
import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { type App, afterResponse, beforeHead, compose, type Filter, readBody } from 'portico/app';
import { defaultHeaders } from '../app/default-headers.js';
import { nodeServer } from '../fixtures/node-server.js';
import { type LogLine, memoryLog } from '../server/memory-log.js';
import { exchange, portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

/** A step of a handler. Steps that Node refuses must be refused by both. */
type Step = (res: ServerResponse) => unknown;
const does = (name: string, step: Step): [string, Step] => [name, step];

const FIELDS: readonly (readonly [string, OutgoingHttpHeader])[] = [
  ['x-a', '1'],
  ['X-B', 2],
  ['Set-Cookie', ['a=1', 'b=2']],
  ['content-type', 'text/plain'],
  ['Vary', ['a', 'b']],
  ['Content-Length', 4],
  ['content-length', '4'],
  ['Date', 'today'],
  ['keep-alive', 'timeout=1'],
  ['x-wide', 'gr\u00fcn'],
];
/** Headers that Node refuses, or accepts although they look odd; not an empty name, which Node refuses only as the first header. */
const ODD: readonly (readonly [string, OutgoingHttpHeader])[] = [
  ['bad name', 'a'],
  ['x-line', 'a\r\nx-more: b'],
  ['x-wider', '\u20ac'],
  ['x-none', undefined as unknown as string],
  ['content-length', '1e1'],
  ['Content-Length', -1],
];
const field = fc.constantFrom(...FIELDS);
const fields = fc
  .uniqueArray(field, { maxLength: 3, selector: ([name]) => name.toLowerCase() })
  .map((some) => structuredClone(some));
const status = fc.constantFrom(200, 201, 204, 205, 304, 404, 500);

const set = field.map(([name, value]) => does(`set ${name}`, (res) => res.setHeader(name, structuredClone(value))));
const ahead = fc.oneof(
  set,
  // Not the length: Node then sends a whole body in chunks, but functions of the headers see its length.
  field
    .filter(([name]) => !/^content-length$/i.test(name))
    .map(([name]) => does(`remove ${name}`, (res) => res.removeHeader(name))),
  status.map((code) => does(`status ${code}`, (res) => Object.assign(res, { statusCode: code }))),
  fc.constantFrom<[string, Step]>(
    ['turn', () => turn()],
    ['read', (res) => read(res)],
    [
      'read, then listen',
      async (res) => {
        const reading = read(res);
        res.req.on('end', () => undefined);
        await reading;
      },
    ],
    ['read beside', (res) => void read(res)],
    ['hints', (res) => res.writeEarlyHints({ link: '</a>; rel=preload' })],
    ['processing', (res) => res.writeProcessing()],
  ),
);
const head = fc.oneof(
  fc
    .tuple(status, fields)
    .map(([code, some]) => does(`head ${code} ${some.join()}`, (res) => res.writeHead(code, Object.fromEntries(some)))),
  fc
    .tuple(
      fc.oneof(status, fc.constantFrom(99, 206, 299, 1000)),
      fc.uniqueArray(fc.constantFrom(...FIELDS, ...ODD), { maxLength: 3, selector: ([name]) => name.toLowerCase() }),
    )
    .map(([code, some]) =>
      does(`odd list ${code} ${some.join()}`, (res) => res.writeHead(code, structuredClone(some).flat())),
    ),
  fc.constantFrom(...ODD).map(([name, value]) => does(`odd ${name}`, (res) => res.writeHead(200, { [name]: value }))),
  fc
    .constantFrom('200', '204', '304', 200.7)
    .map((code) =>
      does(`odd status ${code}`, (res) =>
        res.writeHead(code as number, { 'content-type': 'a/b', 'content-length': 4 }),
      ),
    ),
  fc.constant(does('odd null', (res) => res.writeHead(200, null as unknown as OutgoingHttpHeader[]))),
  fc.constant(
    does('odd set and removed', (res) => {
      res.setHeader('x-a', '1').removeHeader('x-a');
      // Not the same name twice: Node then sends only the second, but both if no header was ever set.
      res.writeHead(200, ['x-a', '1', 'X-B', '2', 'content-length', '4']);
    }),
  ),
  fc.constant(does('list of one', (res) => res.writeHead(200, ['x-a']))),
  status.map((code) => does(`head ${code} Odd`, (res) => res.writeHead(code, 'Odd'))),
  fc.constant(does('flush', (res) => res.flushHeaders())),
  set,
);
const body = fc.constantFrom<[string, Step]>(
  ['write', (res) => res.write('abc')],
  ['write nothing', (res) => res.write('')],
  ['write bytes', (res) => res.write(Buffer.from('ü'))],
  ['write much', (res) => res.write('x'.repeat(70_000))],
  ['turn', () => turn()],
);
const end = fc.constantFrom<[string, Step]>(
  ['end', (res) => res.end()],
  ['end with', (res) => res.end('tail')],
  ['end with nothing', (res) => res.end('')],
  ['end with more than ASCII', (res) => res.end('gr\u00fcn \u20ac')],
  ['end with bytes', (res) => res.end(Buffer.from('tail'))],
  ['end and be told', (res) => new Promise<void>((resolve) => void res.end('tail', resolve))],
  [
    'end twice',
    (res) =>
      res
        .once('error', () => {})
        .end('tail')
        .end('more'),
  ],
  ['whole', (res) => whole(res, 'tail')],
  ['whole, more than ASCII', (res) => whole(res, '\u00fc\u20ac')],
  ['end with much', (res) => res.end('y'.repeat(20_000))],
  ['pipe', (res) => Readable.from(['one', 'two']).pipe(res)],
);
/** Returns responses with the chunks of each body in one: Node 26.12 joins those of a pipelined response. */
const joined = (text: string): string => {
  let [done, rest] = ['', text];
  for (let head = /^.*?\r\n\r\n/s.exec(rest)?.[0]; head !== undefined; head = /^.*?\r\n\r\n/s.exec(rest)?.[0]) {
    done += head;
    rest = rest.slice(head.length);
    if (!/^transfer-encoding: chunked\r$/im.test(head)) continue;
    for (let size = /^([\da-f]+)\r\n/.exec(rest); size !== null; size = /^([\da-f]+)\r\n/.exec(rest)) {
      const begin = size[0].length;
      const end = begin + Number.parseInt(size[1]!, 16);
      done += end === begin ? '(the end)\r\n' : rest.slice(begin, end);
      rest = rest.slice(end + 2);
      if (end === begin) break;
    }
  }
  return done + rest;
};
/** Sets a header to the request's body, unless the headers have been sent. */
const read = async (res: ServerResponse): Promise<void> => {
  const said = await readBody(res.req).then(String, ({ code }: { code: string }) => code);
  if (!res.headersSent) res.setHeader('x-read', said);
};
/** Sends the response in the most common way. */
const whole = (res: ServerResponse, text: string): unknown => {
  if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) });
  return res.end(text);
};
const script = fc
  .tuple(fc.array(ahead, { maxLength: 3 }), fc.array(head, { maxLength: 2 }), fc.array(body, { maxLength: 2 }), end)
  .map(([before, heads, bodies, last]) => [...before, ...heads, ...bodies, last]);
const asked = fc.constantFrom(
  ['GET', '\r\n'],
  ['HEAD', '\r\n'],
  ['POST', 'content-length: 5\r\n\r\nhello'],
  ['POST', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
);
const requests = fc.array(fc.tuple(asked, script), { minLength: 1, maxLength: 3 });

const isCutOff = ({ fields }: LogLine): boolean =>
  (fields.err as { code?: string } | undefined)?.code === 'PORTICO_ANSWER_LENGTH';

const nameIn = (line: string): string => line.slice(0, line.indexOf(':')).toLowerCase();

const onEach =
  (what: Step): Filter =>
  (app) =>
  (req, res) => {
    what(res);
    return app(req, res);
  };
const FILTERS: Readonly<Record<string, readonly Filter[]>> = {
  nothing: [],
  defaults: [onEach((res) => defaultHeaders(res, ['x-id', '7']))],
  listeners: [onEach((res) => afterResponse(res, () => {})), onEach((res) => beforeHead(res, () => {}))],
};

test('clients read what Node alone would send, pipelined or not, whatever the handler does', async (t) => {
  let scripts: readonly (readonly [string, Step][])[] = [];
  let refused: string[] = [];
  const app = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    for (const [, step] of scripts[Number(req.url!.slice(1))]!) {
      try {
        const done = step(res);
        if (done instanceof Promise) await done;
      } catch (error) {
        refused.push(String((error as NodeJS.ErrnoException).code));
      }
    }
  };
  const { port: barePort } = await nodeServer(t, app);
  const log = memoryLog();
  const ports: [string, number][] = [];
  for (const [name, filters] of Object.entries(FILTERS)) {
    const server = await startedServer(t, name, compose(filters, app as App), { port: 0, host: '127.0.0.1', log });
    ports.push([name, portOf(server)]);
  }
  const sorted = (lines: string): string =>
    lines
      .split(/(?<=\r\n)/)
      .sort((left, right) => (nameIn(left) < nameIn(right) ? -1 : Number(nameIn(left) > nameIn(right))))
      .join('');
  const read = async (port: number, text: string, isOdd: boolean): Promise<string[]> => {
    refused = [];
    const answer = joined(await exchange(port, text));
    // After refused headers Node sends the reason phrase of its status with the next one.
    const phrase = isOdd ? /(?<=HTTP\/1\.1 \d+ ).*(?=\r\n)/g : /(?!)/;
    // Node sends the interim response of a pipelined request too early, among the responses before it.
    const interim = scripts.length > 1 ? /HTTP\/1\.1 10\d .*\r\n(?:.+\r\n)*\r\n/g : /(?!)/;
    const same = answer
      .replace(interim, '')
      .replace(phrase, '')
      .replace(/^(?:Date: \w+,|Keep-Alive: timeout=(?!1\r)|x-id:).*\r\n/gm, '');
    // RFC 9110 §5.3: the order of different fields has no meaning. Node begins a pipelined request before the response to the one
    // before it, so errors have another order.
    return [same.replace(/(?:^[\w-]+: .*\r\n)+/gm, sorted), ...refused.sort()];
  };

  await fc.assert(
    fc.asyncProperty(requests, async (all) => {
      scripts = all.map(([, steps]) => steps);
      const lines = all.map(([[method, rest]], at) => {
        const last = at === all.length - 1 ? 'connection: close\r\n' : '';
        return `${method} /${at} HTTP/1.1\r\nhost: x\r\n${last}${rest}`;
      });
      // Node applies part of a refused list, but filters check each header, so these cases run without filters.
      const isOdd = scripts.flat().some(([step]) => step.startsWith('odd'));
      const expected = await read(barePort, lines.join(''), isOdd);
      for (const [name, port] of isOdd ? ports.slice(0, 1) : ports) {
        log.lines.length = 0;
        const answer = await read(port, lines.join(''), isOdd);
        // Only responses that differ from their declared length end differently.
        if (!log.lines.some(isCutOff)) assert.deepEqual(answer, expected, name);
      }
    }),
    { numRuns: Number(process.env.RUNS ?? 150), seed: Number(process.env.SEED ?? 20) },
  );
});
