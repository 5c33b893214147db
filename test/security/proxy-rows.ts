/**
 * Requests that two readers in a row may read differently: the end of a body, the host, the end of a line.
 *
 * Each is followed by a request for {@link SMUGGLED}, or hides one in its body. The number has four digits, so that it identifies the
 * row without a change of lengths.
 */
import { malformedRows } from '../server/requests/malformed-rows.js';

/** The hidden path; the number of the row replaces `0000`. */
export const SMUGGLED = '/smuggled-0000';

const HIDDEN = `GET ${SMUGGLED} HTTP/1.1\r\nhost: x\r\nx-proxy-mark: forged\r\n\r\n`;
const hex = (text: string): string => text.length.toString(16);
const raw = (start: string, lines: readonly string[], body = ''): string =>
  `${[start, ...lines].join('\r\n')}\r\n\r\n${body}`;
const post = (lines: readonly string[], body = ''): string => raw('POST /row HTTP/1.1', ['Host: x', ...lines], body);
const get = (lines: readonly string[]): string => raw('GET /row HTTP/1.1', lines, HIDDEN);

/** For a reader of chunks the body ends before the hidden request; for a reader of the length that is the body. */
const ENDED = `0\r\n\r\n${HIDDEN}`;
/** For a reader of the length the body ends after the first line; for a reader of chunks the hidden request is data. */
const CHUNK = `${hex(HIDDEN)}\r\n${HIDDEN}\r\n0\r\n\r\n`;
const FIRST_LINE = hex(HIDDEN).length + 2;

/** A coding together with a length, in both orders and for both readings. */
const bothFramings = (coding: string): string[] =>
  [
    [`Content-Length: ${ENDED.length}`, ENDED],
    [`Content-Length: ${FIRST_LINE}`, CHUNK],
  ].flatMap(([length, body]) => [post([length!, coding], body), post([coding, length!], body)]);

const codings: readonly string[] = [
  ...[
    'chunked',
    'CHUNKED',
    ' chunked ',
    '\tchunked\t',
    '\x0bchunked',
    'chunked\x0b',
    '\x0cchunked',
    'chunked\x00',
    '\x00chunked',
    'chunked,',
    ',chunked',
    ', , chunked',
    'chunked;a=b',
    'chunked, identity',
    'identity, chunked',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'xchunked',
    'chunkedx',
    'chunk',
    '"chunked"',
    "'chunked'",
    'chu\x01nked',
    'chunked\xa0',
    '\xef\xbb\xbfchunked',
    '',
  ].map((value) => `Transfer-Encoding: ${value}`),
  ...[
    'Transfer-Encoding :',
    'Transfer-Encoding\t:',
    'Transfer-Encoding\x00:',
    'Transfer-Encoding\x0b:',
    'Transfer_Encoding:',
    'Transfer Encoding:',
    'Transfer-\r\n Encoding:',
    ' Transfer-Encoding:',
    '\tTransfer-Encoding:',
    '\x0bTransfer-Encoding:',
    'X: y\nTransfer-Encoding:',
    'X: y\rTransfer-Encoding:',
    'X: y\r\rTransfer-Encoding:',
    'X: y\n\rTransfer-Encoding:',
    'X: y\r\n Transfer-Encoding:',
    'X: y\r\n\tTransfer-Encoding:',
    'X\r\nTransfer-Encoding:',
    ': y\r\nTransfer-Encoding:',
    'Transfer-Encoding:\r\n',
    'Transfer-Encoding:\n',
    'Transfer-Encoding: gzip\r\n',
    'Transfer-Encoding: identity\r\nTransfer-Encoding:',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding:',
    'Transfer-Encoding\r\n:',
    'Connection: Transfer-Encoding\r\nTransfer-Encoding:',
    'Connection: Content-Length\r\nTransfer-Encoding:',
    'TE: chunked\r\nTransfer-Encoding:',
    'Content-Encoding:',
  ].map((name) => `${name} chunked`),
];

const L = HIDDEN.length;
const lengths: readonly (readonly string[])[] = [
  [`Content-Length: 0`, `Content-Length: ${L}`],
  [`Content-Length: ${L}`, `Content-Length: 0`],
  [`Content-Length: ${L}`, `content-length: ${L}`],
  [`Content-Length: 0, ${L}`],
  [`Content-Length: ${L}, ${L}`],
  [`Content-Length: ${L},`],
  [`Content-Length: ${L} ${L}`],
  [`Content-Length: 0${L}`],
  [`Content-Length: 0000000000000000000000000000${L}`],
  [`Content-Length: 0x${hex(HIDDEN)}`],
  [`Content-Length: 0o17`],
  [`Content-Length: +${L}`],
  [`Content-Length: -${L}`],
  [`Content-Length: -0`],
  [`Content-Length: ${L}.0`],
  [`Content-Length: ${L}e0`],
  [`Content-Length: ${L}\x00`],
  [`Content-Length: \x0b${L}`],
  [`Content-Length: ${L}\x0c`],
  [`Content-Length: ${L}\xa0`],
  [`Content-Length: ${2n ** 32n + BigInt(L)}`],
  [`Content-Length: ${2n ** 64n + BigInt(L)}`],
  [`Content-Length: ${2n ** 63n}`],
  [`Content-Length:`],
  [`Content-Length:\r\n ${L}`],
  [`Content-Length: 0\r\n ${L}`],
  [`Content-Length: ${L}\r\n\t`],
  [`Content-Length : ${L}`],
  [`Content_Length: ${L}`],
  [`Content-Length\x00: ${L}`],
  [` Content-Length: ${L}`],
  [`X: y\nContent-Length: ${L}`],
  [`X: y\rContent-Length: ${L}`],
  [`X: y\r\n Content-Length: ${L}`],
  [`Content-Length: ${L}\nContent-Length: 0`],
  [`Content-Length: ${L}\rContent-Length: 0`],
  [`Connection: Content-Length`, `Content-Length: ${L}`],
  [`Connection: close, content-length, host, x-proxy-mark`, `Content-Length: ${L}`],
  [`Expect: 100-continue`, `Content-Length: ${L}`],
  [`Expect: 100-continue`, `Content-Length: 0`],
  [`Expect: 200-ok`, `Content-Length: ${L}`],
  [],
];

/** Bodies of requests with `Transfer-Encoding: chunked`. */
const chunks: readonly string[] = [
  ...[
    '5;a=b',
    '5;a="b;c"',
    '5;a="\r\n"',
    '5;\n',
    '5;a\nb',
    '5;a\rb',
    `5;${'a'.repeat(3000)}`,
    '5 ',
    '5\t',
    '5 ;a',
    ' 5',
    '\t5',
    '05',
    '0000000000000000000005',
    '+5',
    '-5',
    '0x5',
    '5h',
    '5,5',
    '5.0',
    '"5"',
    '5\x00',
    '\x005',
    '5\x0b',
    '5\xa0',
    '٥',
    '100000005',
    '10000000000000005',
    'ffffffffffffffff5',
    'fffffffffffffffb',
    '-fffffffb',
    '',
    ';a',
    '\r\n5',
    '5\r',
    '5\n5',
  ].map((size) => `${size}\r\nhello\r\n${ENDED}`),
  `5\nhello\n0\n\n${HIDDEN}`,
  `5\r\nhello\n0\r\n\r\n${HIDDEN}`,
  `5\r\nhello\r0\r\n\r\n${HIDDEN}`,
  `5\r\nhelloXX0\r\n\r\n${HIDDEN}`,
  `5\r\nhello${ENDED}`,
  `4\r\nhello\r\n${ENDED}`,
  `6\r\nhello\r\n${ENDED}`,
  `0\n\n${HIDDEN}`,
  `0\r\n\n${HIDDEN}`,
  `0\n\r\n${HIDDEN}`,
  `0\r\r\n\r\n${HIDDEN}`,
  `0\r\n${HIDDEN}`,
  `0\r\nX: y\r\n\r\n${HIDDEN}`,
  `0\r\nX: y\n\n${HIDDEN}`,
  `0\r\nX y\r\n\r\n${HIDDEN}`,
  `0\r\n X: y\r\n\r\n${HIDDEN}`,
  `0\r\nContent-Length: ${L}\r\n\r\n${HIDDEN}`,
  `0\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}`,
  `0\r\nHost: y\r\nX-Proxy-Mark: forged\r\n\r\n${HIDDEN}`,
  `0;a=b\r\n\r\n${HIDDEN}`,
  `00\r\n\r\n${HIDDEN}`,
  `-0\r\n\r\n${HIDDEN}`,
  CHUNK,
  `${CHUNK}${HIDDEN}`,
];

const hosts: readonly (readonly string[])[] = [
  ['Host: x', 'Host: y'],
  ['Host: x', 'host: x'],
  ['Host: x\r\n y'],
  ['Host: x\nHost: y'],
  ['Host: x, y'],
  ['Host: x y'],
  ['Host:'],
  ['Host : x'],
  [' Host: y', 'Host: x'],
  ['Host: x/../y'],
  ['Host: x?y'],
  ['Host: x@y'],
  ['Host: [::1'],
  ['Host: x:99999'],
  ['Host: x\x00y'],
  ['Host: x', 'X-Forwarded-Host: y'],
  ['Host: x', 'Host\x00: y'],
  ['Host: x', 'Connection: host'],
  [],
];

const targets: readonly string[] = [
  'http://x/row',
  'http://y/row',
  'http://y:80/row',
  'http://y@x/row',
  'http://x@y/row',
  'http://x#y/row',
  'http://x\\y/row',
  'http:/row',
  'http:///row',
  'https://y/row',
  'ftp://y/row',
  'http://x',
  'http://x?/row',
  '//y/row',
  'y:443',
  '*',
  'row',
  '?row',
  '/row#a',
  '/row\\..\\row',
  '/row/../row',
  '/row/%2e%2e/row',
  '/row%00',
  '/row%0d%0aX:%20y',
  '/row\thttp/1.1',
  '/row HTTP/1.1\r\nHost: y\r\nX:',
];

const upgrades: readonly (readonly string[])[] = [
  ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
  ['Upgrade: h2c', 'Connection: Upgrade', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
  ['Upgrade: h2c'],
  [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ],
  ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 777', 'Sec-WebSocket-Key: x'],
  ['Upgrade: TLS/1.0, HTTP/1.1', 'Connection: Upgrade'],
  ['Upgrade: a', 'Upgrade: b', 'Connection: Upgrade', 'Connection: close'],
  ['Upgrade:', 'Connection: Upgrade'],
  ['Connection: Upgrade'],
];
const upgraded = upgrades.flatMap((fields) => [
  get(['Host: x', ...fields]),
  post([...fields, `Content-Length: ${L}`], HIDDEN),
  post([...fields, 'Transfer-Encoding: chunked'], ENDED),
  post([...fields, `Content-Length: ${ENDED.length}`, 'Transfer-Encoding: chunked'], ENDED),
]);

const versions = ['HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/1.10', 'HTTP/1.', 'http/1.1', 'HTTP/1.1 ', ''];
const methods = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'PURGE', 'get', 'G(T', ' GET', 'GET\t'];

const lineEnds: readonly string[] = [
  ...['\n', '\r', '\n\r', '\r\r\n', '\x0b', '\x85', '\u2028'].map((end) =>
    post([`Content-Length: 0`], HIDDEN).replaceAll('\r\n', end),
  ),
  ...['\n', '\r', '\r\r', '\n\r'].map((end) => `GET /row HTTP/1.1\r\nHost: x${end}X: y\r\n\r\n${HIDDEN}`),
  ...['\n\n', '\r\r', '\r\n\n', '\n\r\n', '\r\n\r', '\r\n \r\n\r\n', '\r\n\x00\r\n'].map(
    (end) => `GET /row HTTP/1.1\r\nHost: x${end}${HIDDEN}`,
  ),
  ...['\r\n', '\n', '\r', '\r\n\r\n\r\n', ' ', '\x00', ' \r\n', 'X: y\r\n'].map(
    (start) => `${start}${get(['Host: x'])}`,
  ),
];

const controls: readonly string[] = [...Array.from({ length: 32 }, (_, code) => code), 0x7f, 0x80, 0xa0, 0xff]
  .map((code) => String.fromCharCode(code))
  .flatMap((sign) => [
    get(['Host: x', `A${sign}B: c`]),
    get(['Host: x', `A: b${sign}Transfer-Encoding: chunked`]),
    raw(`GET /row${sign}b HTTP/1.1`, ['Host: x'], HIDDEN),
  ]);

/** Whole headers and bodies, one connection each; a character is a byte. */
export const proxyRows: readonly string[] = [
  ...malformedRows.map(({ bytes }) => bytes.replace('/smuggled ', `${SMUGGLED} `)),
  ...codings.flatMap(bothFramings),
  ...codings.map((coding) => post([coding], ENDED)),
  ...lengths.flatMap((fields) => [post(fields, HIDDEN), raw('GET /row HTTP/1.1', ['Host: x', ...fields], HIDDEN)]),
  ...chunks.map((body) => post(['Transfer-Encoding: chunked'], body)),
  ...hosts.flatMap((fields) => [get(fields), raw('GET http://x/row HTTP/1.1', fields, HIDDEN)]),
  ...targets.flatMap((target) => [
    raw(`GET ${target} HTTP/1.1`, ['Host: x'], HIDDEN),
    raw(`OPTIONS ${target} HTTP/1.1`, ['Host: x', 'Content-Length: 0'], HIDDEN),
  ]),
  ...upgraded,
  ...versions.flatMap((version) => [
    raw(`POST /row ${version}`, ['Host: x', 'Transfer-Encoding: chunked'], ENDED),
    raw(`POST /row ${version}`, ['Host: x', 'Connection: keep-alive', `Content-Length: ${L}`], HIDDEN),
    raw(`GET /row ${version}`, ['Host: x', 'Connection: keep-alive'], HIDDEN),
  ]),
  ...methods.flatMap((method) => [
    raw(`${method} /row HTTP/1.1`, ['Host: x', `Content-Length: ${L}`], HIDDEN),
    raw(`${method} /row HTTP/1.1`, ['Host: x', 'Transfer-Encoding: chunked'], CHUNK),
    raw(`${method} /row HTTP/1.1`, ['Host: x'], HIDDEN),
  ]),
  ...lineEnds,
  ...controls,
].map((text) => Buffer.from(text, /[\u0100-\uffff]/.test(text) ? 'utf8' : 'latin1').toString('latin1'));
