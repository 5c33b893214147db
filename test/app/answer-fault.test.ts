import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beforeHead, Fault } from 'portico/app';
import { Server } from 'portico/server';
import { keepingLogger } from '../routing/served-router.js';

test('a server whose answer to a failure fails answers 500, and goes on', async (t) => {
  const log = keepingLogger();
  log.child = () => log;
  const server = new Server(
    'failing',
    async (req, res) => {
      beforeHead(res, () => res.setHeader('x-name', 'Łódź'));
      if (req.url === '/twice') beforeHead(res, () => res.setHeader('x-name', 'Łódź'));
      throw new Fault(403);
    },
    { port: 0, host: '127.0.0.1', log },
  );
  await server.start();
  t.after(() => server.stop());
  const { port } = server.addresses[0] as { port: number };
  const base = `http://127.0.0.1:${port}`;
  assert.equal((await fetch(base)).status, 500);
  await assert.rejects(fetch(`${base}/twice`));
  assert.equal((await fetch(base)).status, 500);
  assert.equal(log.lines.filter(({ message }) => message === 'the answer to a failed request failed').length, 3);
});
