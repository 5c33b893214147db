/** A fast path is taken where its result is that of Node alone, and nowhere else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const PROVE = `
  const { proveWire } = await import('${new URL('../../dist/wire/index.js', import.meta.url).href}');
  const { fastPaths } = await import('${new URL('../../dist/wire/node-internals.js', import.meta.url).href}');
  await proveWire();
  console.log(JSON.stringify(fastPaths));`;

/** Which fast paths a process takes whose Node was changed by `before`. */
function enabled(before = '', env: Record<string, string> = {}): Record<string, boolean> {
  const preload = `data:text/javascript,${encodeURIComponent(before)}`;
  const args = ['--import', preload, '--input-type=module', '--eval', PROVE];
  const output = execFileSync(process.execPath, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
  return JSON.parse(output) as Record<string, boolean>;
}

const ALL = { emptyBodies: true, bodies: true };

test('all of them are proven on this Node', () => {
  assert.deepEqual(enabled(), ALL);
});

test('PORTICO_WIRE=node leaves everything to Node', () => {
  const none = { emptyBodies: false, bodies: false };
  assert.deepEqual(enabled('', { PORTICO_WIRE: 'node' }), none);
});

/** Throws where a request of the proof is seen. */
const SEEN = `() => { throw new Error('seen'); }`;

test('a tool that wraps the servers of Node sees no request of the proof', () => {
  const wrap = `
    import { Server } from 'node:http';
    const { emit } = Server.prototype;
    Server.prototype.emit = function (name, ...rest) {
      if (name === 'request') (${SEEN})();
      return Reflect.apply(emit, this, [name, ...rest]);
    };`;
  assert.deepEqual(enabled(wrap), ALL);
});

for (const name of ['request.start', 'response.finish']) {
  test(`where a program listens to http.server.${name} everything is left to Node`, () => {
    const none = { emptyBodies: false, bodies: false };
    assert.deepEqual(
      enabled(`import dc from 'node:diagnostics_channel'; dc.subscribe('http.server.${name}', ${SEEN});`),
      none,
    );
  });
}

/** Nodes that keep something elsewhere than those that are known. */
const OTHER_NODES: Record<string, readonly [string, Partial<typeof ALL>]> = {
  'keeps elsewhere whether a request is closed': [
    `import { IncomingMessage } from 'node:http';
     const closed = new WeakSet();
     const { _destroy } = IncomingMessage.prototype;
     IncomingMessage.prototype._destroy = function (...given) {
       closed.add(this);
       return _destroy.apply(this, given);
     };
     Object.defineProperty(IncomingMessage.prototype, 'closed', { get() { return closed.has(this); } });`,
    { emptyBodies: false, bodies: false },
  ],
};

for (const [what, [change, expected]] of Object.entries(OTHER_NODES)) {
  test(`on a Node that ${what} only what is still the same is used`, () => {
    assert.deepEqual(enabled(change), { ...ALL, ...expected });
  });
}
