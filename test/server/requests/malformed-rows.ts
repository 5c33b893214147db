const head = (lines: string[], start = 'GET / HTTP/1.1') => `${[start, ...lines].join('\r\n')}\r\n\r\n`;
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n';

export interface MalformedRow {
  /** The requirement and the case. */
  readonly name: string;
  readonly bytes: string;
  /** Each of them is correct. */
  readonly status: readonly number[];
}

const bad = (name: string, bytes: string, ...status: number[]): MalformedRow => ({ name, bytes, status });
const post = (...lines: string[]) => head(['host: x', ...lines], 'POST / HTTP/1.1');

/** Requests with several readings or none: each is refused, and its connection closed. */
export const malformedRows: readonly MalformedRow[] = [
  ...['+5', '-5', '5 5', '0x5', '5e0', '"5"', '5,5', '5, 5', '', '5\x01', '5\xe9', '99999999999999999999999'].map(
    (value) =>
      bad(`RL-40 Content-Length ${JSON.stringify(value)}`, `${post(`content-length: ${value}`)}hello${SMUGGLED}`, 400),
  ),
  bad('RL-40 two Content-Lengths that differ', `${post('content-length: 5', 'content-length: 6')}hello`, 400),
  bad('RL-40 two Content-Lengths alike', `${post('content-length: 5', 'content-length: 5')}hello`, 400),
  ...[
    'gzip',
    'gzip, chunked',
    'chunked, gzip',
    'identity',
    'xchunked',
    'chunked, chunked',
    'chunked;q=1',
    '',
    '"chunked"',
  ].map((value) =>
    bad(`RL-41 Transfer-Encoding ${value}`, `${post(`transfer-encoding: ${value}`)}0\r\n\r\n${SMUGGLED}`, 400, 501),
  ),
  bad('RL-41 both framings', `${post('content-length: 5', 'transfer-encoding: chunked')}0\r\n\r\n`, 400),
  bad('RL-41 both framings, the other way', `${post('transfer-encoding: chunked', 'content-length: 5')}0\r\n\r\n`, 400),
  bad('RL-41 twice', `${post('transfer-encoding: chunked', 'transfer-encoding: chunked')}0\r\n\r\n`, 400, 501),
  bad('RL-41 in HTTP/1.0', `${head(['transfer-encoding: chunked'], 'POST / HTTP/1.0')}0\r\n\r\n`, 400, 501),
  ...[
    '+5\r\nhello',
    '0x5\r\nhello',
    ' 5\r\nhello',
    '5 \r\nhello',
    'fffffffffffffffff\r\nhello',
    '5\nhello',
    '4\r\nhello',
    'zz\r\n',
    '5;a\nb\r\nhello',
    '5;a\rb\r\nhello',
  ].map((chunk) =>
    bad(
      `RL-42 chunk ${JSON.stringify(chunk)}`,
      `${post('transfer-encoding: chunked')}${chunk}\r\n0\r\n\r\n${SMUGGLED}`,
      400,
    ),
  ),
  bad('RL-42 data longer than said', `${post('transfer-encoding: chunked')}3\r\nhello\r\n0\r\n\r\n`, 400),
  bad('RL-42 a chunk that a bare line feed ends', `${post('transfer-encoding: chunked')}5\r\nhello\n0\r\n\r\n`, 400),
  ...[': v', 'a b: v', 'a : v', 'a\tb: v', 'a(b): v', 'a\x00b: v', 'a\x7f: v', ' a: v'].map((line) =>
    bad(`RL-44 header ${JSON.stringify(line)}`, head([line, 'host: x']), 400),
  ),
  ...['a: b\x00c', 'a: b\rc', 'a: b\nc', 'a: b\x01', 'a: b\x7f'].map((line) =>
    bad(`RL-45 header ${JSON.stringify(line)}`, head(['host: x', line]), 400),
  ),
  bad('RL-47 bare line feeds', 'GET / HTTP/1.1\nhost: x\n\n', 400),
  bad('RL-47 a bare line feed after a field', 'GET / HTTP/1.1\r\nhost: x\na: b\r\n\r\n', 400),
  bad('RL-47 a bare carriage return', 'GET / HTTP/1.1\r\nhost: x\ra: b\r\n\r\n', 400),
  bad('RL-48 no Host', head(['a: b']), 400),
  bad('RL-48 two Hosts', head(['host: x', 'host: y']), 400),
  bad('RL-48 two Hosts alike', head(['host: x', 'Host: x']), 400),
  ...['', 'a b', 'x/y', 'x@y', 'x:port', 'x:99999', '[::1', '[zz]', '::1', 'x,y', 'x#y', 'x?y', 'x\\y', '-x'].map(
    (value) => bad(`RL-48 Host ${JSON.stringify(value)}`, head([`host: ${value}`]), 400),
  ),
  ...[
    'HTTP/2.0',
    'HTTP/0.9',
    'HTTP/1.2',
    'HTTP/3.0',
    'HTTP/1',
    'http/1.1',
    'HTTP/01.1',
    'HTTP/1.1 x',
    'HTCPCP/1.1',
  ].map((version) => bad(`RL-49 version ${version}`, head(['host: x'], `GET / ${version}`), 400, 505)),
  bad('RL-49 no version', 'GET /\r\nhost: x\r\n\r\n', 400, 505),
  bad('RL-49 a bare HTTP/0.9 line', 'GET /\r\n\r\n', 400, 505),
  bad('RL-49 a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400),
  bad('RL-49 an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 505),
  bad('RL-49 a PROXY line', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n', 400),
  ...[
    '/a b',
    '/a\x01b',
    '/a\x00b',
    '/\xe9',
    '/a#b',
    'x:80',
    'example.com',
    '*',
    'ftp://x/',
    'http:/x',
    'http://',
    'a',
    '?q',
  ].map((target) => bad(`RL-50 target ${JSON.stringify(target)}`, head(['host: x'], `GET ${target} HTTP/1.1`), 400)),
  bad('RL-50 an authority that disagrees', head(['host: y'], 'GET http://x/ HTTP/1.1'), 400),
  bad('RL-50 an authority with user information', head(['host: x'], 'GET http://u@x/ HTTP/1.1'), 400),
  ...['__proto__', 'constructor', 'FOO', 'get', 'GE T', 'G\x00T', 'toString'].map((method) =>
    bad(`RL-51 method ${JSON.stringify(method)}`, head(['host: x'], `${method} / HTTP/1.1`), 400, 501),
  ),
  bad('RL-52 another expectation', head(['host: x', 'expect: 200-ok']), 417),
  bad('AU-6 CONNECT with a path in place of an authority', head(['host: x'], 'CONNECT / HTTP/1.1'), 400),
  bad('AU-6 CONNECT with a path and a query', head(['host: x'], 'CONNECT /a?b HTTP/1.1'), 400),
  bad('RL-53 CONNECT', `${head(['host: x:443'], 'CONNECT x:443 HTTP/1.1')}${SMUGGLED}`, 400, 405),
  ...[
    '/%',
    '/%z',
    '/%zz',
    '/%1',
    '/a%2',
    '/%c0%af',
    '/%c0%80',
    '/%ff',
    '/%ed%a0%80',
    '/%f5%80%80%80',
    '/a%00b',
    '/%0d%0a',
  ].map((target) => bad(`RL-57 path ${target}`, head(['host: x'], `GET ${target} HTTP/1.1`), 400)),
  ...[
    '/../a',
    '/a/..',
    '/a/./b',
    '/.',
    '/%2e%2e/a',
    '/a/%2E/b',
    '/a/..%2fb',
    '/a%2f..%2fb',
    '/a\\b',
    '/a/..\\b',
    '/a/..%5cb',
  ].map((target) => bad(`RL-57 path ${target}`, head(['host: x'], `GET ${target} HTTP/1.1`), 400)),
  ...['x-auth-token', 'x-service-token', 'authorization'].map((name) =>
    bad(`MW-8 ${name} twice`, head(['host: x', `${name}: a`, `${name}: b`]), 400),
  ),
];
