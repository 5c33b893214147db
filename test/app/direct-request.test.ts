/** Whatever fields a request has, its headers are those that Node's own request has. */
import assert from 'node:assert/strict';
import { createServer, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { DirectRequest, fieldNames, replaceRawHeaders } from 'portico/app';
import { exchange } from '../server/raw-client.js';

interface Seen {
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly order: readonly string[];
  readonly distinct: NodeJS.Dict<string[]>;
  readonly raw: readonly string[];
}

/** What a server's requests say of the fields sent to it, request by request, on one connection. */
async function seenBy(
  Kind: typeof IncomingMessage,
  fields: readonly (readonly (readonly [string, string])[])[],
  options: { maxHeadersCount?: number; joinDuplicateHeaders?: boolean } = {},
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const { maxHeadersCount = 0, ...rest } = options;
  const server = createServer({ IncomingMessage: Kind, ...rest }, (req, res) => {
    const { headers, headersDistinct, rawHeaders } = req;
    seen.push({
      headers: { ...headers },
      order: Object.keys(headers),
      distinct: { ...headersDistinct },
      raw: rawHeaders,
    });
    res.end();
  });
  server.maxHeadersCount = maxHeadersCount;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const heads = fields.map((some, at) => {
    const last = at === fields.length - 1 ? 'Connection: close\r\n' : '';
    return `GET / HTTP/1.1\r\nHost: a\r\n${some.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${last}\r\n`;
  });
  await exchange((server.address() as AddressInfo).port, heads.join(''));
  await new Promise((resolve) => server.close(resolve));
  return seen;
}

const NAMES =
  'Accept accept X-Auth-Token x-auth-token X_Auth_Token Cookie Set-Cookie Vary User-Agent Referer From Age Content-Type ' +
  '__proto__ constructor toString 7 007 x-forwarded-for';
const name = fc.constantFrom(...NAMES.split(' '));
const field = fc.tuple(name, fc.stringMatching(/^[a-z]{0,6}$/));
const requests = fc.array(fc.array(field, { maxLength: 6 }), { minLength: 1, maxLength: 4 });

test('a request has the headers that Node gathers, name by name and in their order', async () => {
  await fc.assert(
    fc.asyncProperty(
      requests,
      fc.constantFrom({}, { joinDuplicateHeaders: true }, { maxHeadersCount: 3 }),
      async (all, options) => {
        // Twice: the second time the names are known.
        const twice = [...all, ...all];
        assert.deepEqual(await seenBy(DirectRequest, twice, options), await seenBy(IncomingMessage, twice, options));
      },
    ),
    { numRuns: 120 },
  );
});

test('lists of names that fall to one place are told apart', async () => {
  const lists = [['X-Alpha'], ['X-Gamma'], ['X-ALPHA'], ['X-Alpha', 'X-Gamma'], ['X-Gamma', 'X-Alpha']];
  const fields = [...lists, ...lists].map((names) => names.map((each) => [each, each.slice(2)] as const));
  const seen = await seenBy(DirectRequest, fields);
  assert.deepEqual(
    seen.map(({ headers }) => [headers['x-alpha'], headers['x-gamma']]),
    [...lists, ...lists].map((names) => [
      names.find((each) => /alpha/i.test(each))?.slice(2),
      names.includes('X-Gamma') ? 'Gamma' : undefined,
    ]),
  );
});

test('more names than are kept are gathered all the same', async () => {
  const fields = Array.from({ length: 300 }, (_, at) => [[`X-${'a'.repeat(at % 40)}${at}`, String(at)]] as const);
  const seen = await seenBy(DirectRequest, fields);
  seen.forEach(({ headers }, at) => {
    assert.equal(headers[`x-${'a'.repeat(at % 40)}${at}`], String(at));
  });
  assert.equal(seen.length, 300);
});

test('headers that somebody has put in their place stay, and so do those of a shorter raw list', async () => {
  const told: unknown[] = [];
  const server = createServer({ IncomingMessage: DirectRequest }, (req, res) => {
    req.headers['x-more'] = 'yes';
    told.push({ ...req.headers });
    replaceRawHeaders(req, ['Host', 'a']);
    told.push({ ...req.headersDistinct }, req.headers['x-more']);
    req.headers = { only: 'this' };
    told.push(req.headers);
    res.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const text = 'GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nConnection: close\r\n\r\n';
  await exchange((server.address() as AddressInfo).port, text);
  await new Promise((resolve) => server.close(resolve));
  const all = { host: 'a', 'x-a': '1', connection: 'close', 'x-more': 'yes' };
  assert.deepEqual(told, [all, { host: ['a'] }, 'yes', { only: 'this' }]);
});

test('names say where framing and host are, whatever their spelling, and what comes twice', () => {
  const of = (...rawHeaders: string[]) => fieldNames(rawHeaders);
  const one = of('HOST', 'a', 'x_y', '1', 'Content-length', '4');
  assert.deepEqual([one.host, one.contentLength, one.transferEncoding, one.upgrade], [0, 4, -1, false]);
  assert.deepEqual([one.underscores, one.repeats], [true, false]);
  const single = 'Host X-Auth-Token Authorization Content-Length X-Service-Token Transfer-Encoding';
  for (const each of single.split(' '))
    assert.equal(of(each, '1', 'Accept', '*', each.toUpperCase(), '1').repeats, true, each);
  const two = of('Accept', 'a', 'Accept', 'b', 'Upgrade', 'c', 'upgrade', 'd', 'Transfer-Encoding', 'chunked');
  assert.deepEqual([two.repeats, two.upgrade, two.transferEncoding], [false, true, 8]);
});
