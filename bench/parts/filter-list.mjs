// The shipped filters with their tasks when they are measured alone.
import { makeToken } from '../measure/token.mjs';

/** Nova's filters, except the url map, which is not a filter. */
export const SEVEN = new Set(['catch_errors', 'request_id', 'request_log', 'proxy_headers', 'sizelimit', 'noauth']);

const CONTEXT = 'AsyncLocalStorage: Node carries the context along with everything the request sets off';
const BUCKET = 'a bucket is looked up and written, and two headers are set when the headers are written';
const BODY = 'the body goes through another stream';

/**
 * `section` of portico/filters.ini; `headers` that the filter needs; `does`: its task; `why`: the reason for more than 1 µs. `prepare()`
 * returns more `headers`, the `env` of its server, and `remove()`, to be called at the end. `share`: the sufficient part of the requests
 * for a slow filter. `label`: of its row, if not the section. `workers`: their number, under a parent; else there is one process.
 * `connections`: replaces the usual number.
 */
export const FILTERS = [
  { section: 'catch_errors', does: 'nothing fails' },
  {
    section: 'request_id',
    does: 'an id, one header',
    why: 'a random UUID, and a header that is set when the headers are written',
  },
  { section: 'request_log', does: 'a line of thirteen facts, thrown away', why: 'a JSON line of thirteen facts' },
  { section: 'proxy_headers', does: 'looks for headers of proxies, finds none' },
  { section: 'sizelimit', headers: { 'content-length': '0' }, does: 'compares the declared length' },
  { section: 'noauth', does: 'token to context', why: CONTEXT },
  { section: 'context', does: 'an empty context', why: CONTEXT },
  {
    section: 'auth_token',
    does: 'a token that is remembered',
    why: 'the token is hashed, and identity headers are added',
  },
  {
    section: 'jwt',
    prepare: async () => {
      const { token, keyFile, remove } = await makeToken({ issuer: 'bench', audience: 'bench', user: 'demo' });
      return { headers: { 'x-auth-token': token }, env: { PORTICO_JWT__PUBLIC_KEY_FILE: keyFile }, remove };
    },
    does: 'a token that is remembered',
    why: 'the token is hashed, its times are looked at, and identity headers are added',
  },
  {
    section: 'basic_auth',
    share: 0.05,
    headers: { authorization: `Basic ${Buffer.from('demo:demo').toString('base64')}` },
    does: 'a login, checked with bcrypt of cost 4',
    why: 'bcrypt is meant to be slow; it runs in another thread',
  },
  {
    section: 'proxy_headers_believed',
    headers: { 'x-forwarded-for': '192.0.2.7, 127.0.0.1', 'x-forwarded-proto': 'https' },
    does: 'believes two headers of a trusted proxy',
    why: 'addresses are parsed and compared with networks',
  },
  { section: 'fault_wrapper', does: 'nothing fails' },
  { section: 'correlation_id', does: 'a name is made up', why: 'a random UUID' },
  { section: 'path_prefix', does: 'looks at the prefix' },
  { section: 'request_config', does: 'hands the section on' },
  {
    section: 'name_check',
    does: 'looks for names nobody asks for in good faith',
    why: 'the path is decoded, and every character and part of it looked at',
  },
  {
    section: 'gatekeeper',
    does: 'looks for headers that stay inside',
    why: 'every header of both directions is looked at',
  },
  { section: 'allowed_hosts', does: 'compares the host with the last one' },
  { section: 'read_only', does: 'lets a GET pass' },
  { section: 'rate_limit', does: 'one rule by address', why: BUCKET },
  ...[1, 2].map((workers) => ({
    section: 'rate_limit',
    label: `rate_limit, one request at a time, ${workers} worker${workers === 1 ? '' : 's'}`,
    workers,
    connections: 1,
    does: 'the same; the parent has the bucket',
    why: BUCKET,
  })),
  { section: 'deadline', does: 'a deadline for a response that is there at once' },
  {
    section: 'cors',
    headers: { origin: 'https://dashboard.example' },
    does: 'an origin that may ask',
    why: 'three headers more, before the others',
  },
  { section: 'security_headers', does: 'eleven headers more', why: 'that many headers are set and sent' },
  { section: 'stats', does: 'two datagrams', why: 'sending a datagram is a system call' },
  { section: 'etag', does: 'an ETag of the body', why: `SHA-1 of the body; ${BODY}` },
  {
    section: 'compression_small',
    does: 'a body below the threshold',
    why: 'the headers are held until it is known whether the body is packed',
  },
  {
    section: 'compression',
    share: 0.25,
    headers: { 'accept-encoding': 'gzip' },
    does: 'gzip of 1.3 KB',
    why: `gzip, in another thread; ${BODY}`,
  },
  { section: 'healthcheck', does: 'another path' },
  { section: 'static_files', does: 'no such file, so the app responds', why: 'the file system is asked' },
  {
    section: 'debug',
    does: 'all about request and response, thrown away',
    why: 'three JSON lines with all headers; the body goes through another stream',
  },
  { section: 'connect', does: 'a middleware that does nothing' },
];
