import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, type Filter } from 'portico/app';
import { shareState, takesOwnSlot, withSlot } from '#internal/app';
import { nodeServer } from '../fixtures/node-server.js';

test('RL-16 an app waits for its turn once, behind its filters, and not where it takes its own', async (t) => {
  const order: string[] = [];
  const filter: Filter = (inner) => (req, res) => {
    order.push('filter');
    return inner(req, res);
  };
  const app: App = (_req, res) => {
    order.push('app');
    res.end();
  };
  const waiting = compose([filter], app);
  const own = compose(
    [filter],
    takesOwnSlot((req, res) => app(req, res)),
  );
  const { server, port } = await nodeServer(t, (req, res) => withSlot(req.url === '/own' ? own : waiting)(req, res));
  shareState(server, {
    slots: {
      move: (taker, event) => {
        if (event === 'call') taker.poolSlot = taker.poolSlot === 'granted' ? 'held' : 'queued';
        return taker.poolSlot;
      },
      turn: (taker) => {
        order.push('turn');
        taker.poolSlot = 'granted';
        return Promise.resolve(true);
      },
    },
  });
  await fetch(`http://127.0.0.1:${port}/`);
  await fetch(`http://127.0.0.1:${port}/own`);
  assert.deepEqual(order, ['filter', 'turn', 'app', 'filter', 'app']);
});
