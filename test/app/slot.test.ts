import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type App, compose, type Filter } from 'portico/app';
import { shareState, takesOwnSlot, withSlot } from '#internal/app';

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
  const server = createServer((req, res) => void withSlot(req.url === '/own' ? own : waiting)(req, res));
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  await fetch(`http://127.0.0.1:${port}/`);
  await fetch(`http://127.0.0.1:${port}/own`);
  assert.deepEqual(order, ['filter', 'turn', 'app', 'filter', 'app']);
});
