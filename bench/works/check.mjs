// Checks that a contestant does the work: its responses are compared byte for byte before it is measured.
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AnswerReader } from '../measure/answer-reader.mjs';
import { request } from './works.mjs';

const REQUEST_ID = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TOO_MUCH = 200_000;
const PATIENCE_MS = 10_000;

/** Throws an error with every difference between the responses and the work. */
export async function check(work, port, { filters }) {
  const answers = [await ask(port, work), await ask(port, work)];
  const problems = answers.flatMap((answer) => differences(answer, work.answer));
  if (work.filtered && filters) problems.push(...(await filterProblems(work, port, answers)));
  if (problems.length > 0) throw new Error([...new Set(problems)].join('; '));
}

function differences({ status, headers, body }, expected) {
  const problems = [];
  if (status !== expected.status) problems.push(`status ${status} instead of ${expected.status}`);
  // A charset has no meaning for JSON (RFC 8259 §11), and some frameworks always add it.
  const type = (headers['content-type'] ?? 'none').replace(/;\s*charset=utf-8$/i, '');
  if (type !== expected.type) problems.push(`content-type ${type} instead of ${expected.type}`);
  if (headers['content-encoding'] !== undefined) problems.push(`content-encoding ${headers['content-encoding']}`);
  if (!body.equals(expected.body)) problems.push(`another body: ${body.subarray(0, 200).toString()}`);
  return problems;
}

/** Returns the missing effects of the filters. The request log has none. */
async function filterProblems(work, port, answers) {
  const problems = [];
  // Python's filter uses OpenStack's header name.
  const ids = answers.map(({ headers }) => headers['x-request-id'] ?? headers['x-openstack-request-id']);
  if (!ids.every((id) => REQUEST_ID.test(id ?? ''))) problems.push(`x-request-id ${ids[0] ?? 'is missing'}`);
  if (ids[0] === ids[1]) problems.push('two requests have one id');
  const [method, path] = work.request.split(' ');
  const large = request(method, path, undefined, { 'content-length': TOO_MUCH, 'content-type': 'application/json' });
  const tooLarge = await ask(port, { ...work, request: large });
  if (tooLarge.status !== 413) problems.push(`a body of ${TOO_MUCH} bytes gets ${tooLarge.status} instead of 413`);
  const anonymous = await ask(port, { ...work, request: work.request.replace(/X-Auth-Token: .*\r\n/, '') });
  if (anonymous.status !== 204) problems.push(`no token gets ${anonymous.status} instead of 204 with a token`);
  const outside = await ask(port, { ...work, request: request('GET', '/v9/servers') });
  if (outside.status !== 404) problems.push(`a path outside of the url map gets ${outside.status} instead of 404`);
  return problems;
}

/** Sends one request on a new connection and returns the complete response. */
export async function ask(port, { request: text, secure = false }) {
  const socket = secure
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect({ port, host: '127.0.0.1' });
  await once(socket, secure ? 'secureConnect' : 'connect');
  try {
    return await new Promise((resolve, reject) => {
      const reader = new AnswerReader(resolve, { keepsBody: true });
      socket.on('data', (chunk) => {
        try {
          reader.push(chunk);
        } catch (error) {
          reject(error);
        }
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the connection was closed without an answer')));
      socket.setTimeout(PATIENCE_MS, () => reject(new Error(`no answer to ${text.split('\r\n', 1)[0]}`)));
      socket.write(text, 'latin1');
    });
  } finally {
    socket.destroy();
  }
}
