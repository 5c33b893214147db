import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from 'portico/app';
import { lint, request } from 'portico/testing';
import { type FolderNode, folderApp, nodeAt } from '../../examples/compute/dist/folder-app.js';

const tree: FolderNode = new Map<string, FolderNode>([
  ['name', 'web'],
  ['bytes', Buffer.from([1, 2, 255])],
  ['data.json', '{}'],
  ['keys', new Map([['0', 'ssh-rsa AAAA']])],
]);
const app = lint(
  folderApp((names) => {
    if (names[0] === 'secret') throw new Fault(403, { message: 'not yours' });
    return nodeAt(tree, names);
  }),
);

test('a folder lists its names, a leaf is its value, with and without a slash at the end', async () => {
  const get = async (path: string) => (await request(app, 'GET', path)).text();
  assert.equal(await get('/'), 'name\nbytes\ndata.json\nkeys/');
  assert.deepEqual([await get('/keys'), await get('/keys/'), await get('//keys/./0')], ['0', '0', 'ssh-rsa AAAA']);
  assert.equal(await get('/keys/../name'), 'web');
  const json = await request(app, 'GET', '/data.json');
  assert.deepEqual([json.headers['content-type'], json.text()], ['application/json', '{}']);
  const text = await request(app, 'HEAD', '/name');
  assert.deepEqual(
    [text.status, text.headers['content-type'], text.headers['content-length'], text.text()],
    [200, 'text/plain; charset=UTF-8', '3', ''],
  );
});

test('faults are plain text', async () => {
  const of = async (method: string, path: string) => {
    const answer = await request(app, method, path);
    return [answer.status, answer.headers['content-type'], answer.text()];
  };
  const plain = 'text/plain; charset=UTF-8';
  assert.deepEqual(await of('GET', '/nothing/here'), [404, plain, 'There is nothing at this path.\n']);
  assert.deepEqual(await of('GET', '/name/below'), [404, plain, 'There is nothing at this path.\n']);
  assert.deepEqual(await of('GET', '/secret'), [403, plain, 'not yours\n']);
  const post = await request(app, 'POST', '/name');
  assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
});

test('a message that is not for clients stays here', async () => {
  const failing = folderApp(() => {
    throw new Fault(503, { message: 'db at 10.0.0.7', safe: false, headers: { 'Retry-After': '3' } });
  });
  const answer = await request(lint(failing), 'GET', '/');
  assert.deepEqual([answer.status, answer.text(), answer.headers['retry-after']], [503, 'Service Unavailable\n', '3']);
});
