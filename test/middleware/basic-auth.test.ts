import assert from 'node:assert/strict';
import { chmod, rename, utimes, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { compareSync, hashSync } from 'bcryptjs';
import { type App, compose, environ, type Filter } from 'portico/app';
import { basicAuth, catchErrors, cors, proxyHeaders } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildFilter, captureLog, FakeClock, lint, request, type TestResponse } from 'portico/testing';
import { HtpasswdFile } from '../../dist/middleware/basic-auth.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { until } from '../fixtures/until.js';
import { filesUntilEnd, filterUntilEnd } from '../fixtures/until-end.js';

const hash = (password: string): string => hashSync(password, 4);
const FILE = `# users
alice:${hash('wonder:land')}
white rabbit ü:${hash('late')}
white rabbit:${hash('late')}
bob:${hash('x'.repeat(72)).replace('$2b$', '$2y$')}
`;

const app: App = (req, res) => {
  res.end(JSON.stringify({ identity: environ(req).identity, headers: req.headers }));
};

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

async function setUp(
  t: { after(fn: () => Promise<void>): void },
  inner: App = app,
  local: Record<string, string> = {},
) {
  const files = await filesUntilEnd(t, { users: FILE });
  await chmod(files.path('users'), 0o600);
  const captured = captureLog();
  const outer = await buildFilter(catchErrors, { log: captured.log });
  const options = { log: captured.log, local: { user_file: files.path('users'), ...local } };
  const { made } = await filterUntilEnd(t, basicAuth, options);
  const linted = lint(compose([outer.made, made], inner));
  const send = (authorization?: string, headers: Record<string, string> = {}): Promise<TestResponse> =>
    request(linted, 'GET', '/', { headers: { ...(authorization === undefined ? {} : { authorization }), ...headers } });
  return { send, ...captured };
}

/** Takes a hundred times as long as a request. */
const DEAR = hashSync('wonder:land', 8);

/** Guesses that four threads check, or that wait for them. */
const ACCEPTED = 4 * (1 + 8);

/** Builds a filter with slow hashes behind a proxy, and an attack of more guesses from one address than it accepts. */
async function underAttack(t: { after(fn: () => Promise<void>): void }) {
  const files = await filesUntilEnd(t, { users: `alice:${DEAR}\n` });
  await chmod(files.path('users'), 0o600);
  const proxied = await buildFilter(proxyHeaders, { local: { trusted_proxies: 'loopback' } });
  const built = await buildFilter(basicAuth, { local: { user_file: files.path('users') } });
  t.after(built.close);
  // Guesses wait for each other, for longer on a busy machine.
  const linted = lint(compose([proxied.made, built.made], app), { answerWithinMs: 120_000 });
  const send = (pair: string, address: string): Promise<TestResponse> =>
    request(linted, 'GET', '/', { headers: { authorization: basic(pair), 'x-forwarded-for': address } });
  const answers: number[] = [];
  const attack = (address: string): { all: Promise<unknown>; tooMany: Promise<void> } => {
    let told = (): void => undefined;
    const tooMany = new Promise<void>((resolve) => {
      told = resolve;
    });
    const guess = async (at: number): Promise<void> => {
      const { status, headers } = await send(`alice:${at}`, address);
      answers.push(status);
      if (status !== 503) return;
      assert.ok(Number(headers['retry-after']) > 0);
      told();
    };
    return { all: Promise.all(Array.from({ length: 60 }, (_, at) => guess(at))), tooMany };
  };
  const checked = (): number => answers.filter((status) => status === 401).length;
  return { send, attack, checked, users: files.path('users') };
}

test('AT-3 a page of another site changes nothing with the password that a browser attaches', async (t) => {
  const files = await filesUntilEnd(t, { users: FILE });
  await chmod(files.path('users'), 0o600);
  const { made } = await filterUntilEnd(t, basicAuth, { local: { user_file: files.path('users') } });
  const local = { allowed_origin: 'https://app.example', allow_credentials: 'true' };
  const open = { allowed_origin: '*' };
  const [sharing, reading] = [await buildFilter(cors, { local }), await buildFilter(cors, { local: open })];
  const catching = await buildFilter(catchErrors);
  const ran: unknown[] = [];
  const app = closedAfter(
    t,
    await new Router()
      .post('/', ({ body }) => {
        ran.push(body);
        return {};
      })
      .build(),
  );
  const statusOf = async (filters: Filter[], headers: Record<string, string>): Promise<number> => {
    const all = {
      host: 'api.example',
      authorization: basic('alice:wonder:land'),
      'content-type': 'text/plain',
      ...headers,
    };
    return (
      await request(compose([catching.made, ...filters, made], app), 'POST', '/', { headers: all, body: '{"n":1}' })
    ).status;
  };
  const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
  const own = { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' };
  for (const filters of [[], [sharing.made], [reading.made]]) assert.equal(await statusOf(filters, evil), 403);
  assert.equal(await statusOf([], { origin: 'null' }), 403);
  assert.equal(await statusOf([reading.made], own), 403, 'credentials are not allowed');
  assert.deepEqual(ran, []);
  assert.equal(await statusOf([sharing.made], own), 200);
  assert.equal(await statusOf([], { 'sec-fetch-site': 'same-origin', origin: 'https://api.example' }), 200);
  assert.equal(await statusOf([], {}), 200, 'a program');
  assert.deepEqual(ran, [{ n: 1 }, { n: 1 }, { n: 1 }]);
});

test('guesses from one address, however many, leave logins from others their turn', async (t) => {
  const { send, attack, checked } = await underAttack(t);
  const { all, tooMany } = attack('2001:db8::1');
  await tooMany;
  const before = checked();
  assert.equal((await send('alice:wonder:land', '192.0.2.1')).status, 200);
  assert.ok(checked() - before < ACCEPTED, 'it did not wait for all the guesses');
  // Addresses of one IPv6 network count as one caller.
  const more = await Promise.all(Array.from({ length: 20 }, (_, at) => send(`alice:x${at}`, `2001:db8::${at + 2}`)));
  assert.ok(more.some(({ status }) => status === 503));
  await all;
});

test('a login that was good a moment ago is let in without waiting, from any address', async (t) => {
  const { send, attack, checked } = await underAttack(t);
  assert.equal((await send('alice:wonder:land', '192.0.2.1')).status, 200);
  const { all, tooMany } = attack('192.0.2.1');
  await tooMany;
  for (let at = 0; at < 3; at++) assert.equal((await send('alice:wonder:land', '192.0.2.1')).status, 200);
  assert.ok(checked() < ACCEPTED);
  const more = await Promise.all(Array.from({ length: 20 }, (_, at) => send(`alice:x${at}`, '192.0.2.1')));
  assert.ok(more.some(({ status }) => status === 503));
  await all;
});

test('a remembered login counts no longer once the file has another password, or no such user', async (t) => {
  for (const users of [`alice:${hash('other')}\n`, `bob:${hash('wonder:land')}\n`]) {
    const { send, users: file } = await underAttack(t);
    assert.equal((await send('alice:wonder:land', '192.0.2.1')).status, 200);
    await writeFile(`${file}.new`, users, { mode: 0o600 });
    await rename(`${file}.new`, file);
    // The filter checks the file once a second.
    const refused = await until(
      () => send('alice:wonder:land', '192.0.2.1'),
      ({ status }) => status !== 200,
    );
    assert.equal(refused.status, 401);
  }
});

test('why a login was refused is in the log at debug, without the password', async (t) => {
  const { send, lines, text } = await setUp(t);
  const rows: [string | undefined, object][] = [
    [undefined, { reason: 'missing' }],
    ['Basic !!!', { reason: 'malformed' }],
    ['Bearer abc', { reason: 'malformed' }],
    [basic('alice:a-guess'), { reason: 'wrong password', user: 'alice' }],
    [basic('wonderland:a-guess'), { reason: 'unknown user' }],
  ];
  for (const [authorization] of rows) await send(authorization);
  const told = lines.filter(({ msg }) => msg === 'a login is refused');
  for (const [at, [, facts]] of rows.entries()) {
    const { level, reason, user } = told[at] ?? {};
    assert.deepEqual({ level, reason, user }, { level: 'debug', user: undefined, ...facts });
  }
  assert.ok(!/a-guess|wonderland|YS1ndWVzc|abc/.test(text()));
});

test('MW-38 X-User has the name in printable ASCII as it is, and others percent-encoded', async (t) => {
  const { send } = await setUp(t);
  const nameOf = async (user: string): Promise<unknown> => {
    const { headers } = (await send(basic(`${user}:late`))).json() as { headers: Record<string, string> };
    return headers['x-user'];
  };
  assert.equal(await nameOf('white rabbit'), 'white rabbit');
  assert.equal(await nameOf('white rabbit ü'), 'white%20rabbit%20%C3%BC');
});

test('MW-38 the right password sets the identity and takes Authorization off', async (t) => {
  const { send } = await setUp(t);
  const response = await send(basic('alice:wonder:land'), { 'X-User': 'root', 'x-roles': 'admin' });
  assert.equal(response.status, 200);
  const { identity, headers } = response.json();
  assert.deepEqual(identity, { userId: 'alice', userName: 'alice' });
  assert.equal(headers.authorization, undefined);
  assert.equal(headers['x-user'], 'alice');
  assert.equal(headers['x-roles'], undefined);
  assert.equal((await send(basic(`bob:${'x'.repeat(72)}`))).status, 200);
});

test('MW-38 everybody else gets 401, a challenge, and one and the same body', async (t) => {
  const { send } = await setUp(t, app, { realm: 'The "API"' });
  const bodies = new Set<string>();
  for (const authorization of [
    undefined,
    basic('alice:wrong'),
    basic('nobody:wonder:land'),
    basic('alice'),
    basic(':x'),
    basic(`bob:${'x'.repeat(73)}`),
    'Bearer abc',
    'Basic !!!',
    'Basic',
  ]) {
    const response = await send(authorization);
    assert.equal(response.status, 401, authorization);
    assert.equal(response.headers['www-authenticate'], 'Basic realm="The API", charset="UTF-8"');
    bodies.add(response.text());
  }
  assert.equal(bodies.size, 1);
});

test('MW-63.9 an application error under basic auth gets 500 without its text', async (t) => {
  const { send, text } = await setUp(t, () => {
    throw new Error('internal message');
  });
  const response = await send(basic('alice:wonder:land'));
  assert.equal(response.status, 500);
  assert.ok(!response.text().includes('internal message'));
  assert.ok(!text().includes('wonder:land') && !text().includes(basic('alice:wonder:land')));
});

test('MW-38 a file that is missing or malformed refuses to load', async (t) => {
  const files = await filesUntilEnd(t, { sha: 'alice:{SHA}abc\n' });
  for (const name of ['missing', 'sha']) {
    await assert.rejects(async () => buildFilter(basicAuth, { local: { user_file: files.path(name) } }), {
      code: 'PORTICO_USER_FILE',
    });
  }
});

test('MW-38 a file everybody can read, and a user who is repeated, are warned of', async (t) => {
  const files = await filesUntilEnd(t, { users: `${FILE}alice:${hash('second')}\n` });
  await chmod(files.path('users'), 0o644);
  const { log, lines } = captureLog();
  const { made } = await filterUntilEnd(t, basicAuth, { log, local: { user_file: files.path('users') } });
  const levels = lines.map(({ level }) => level);
  assert.deepEqual(levels, ['warn', 'warn']);
  const headers = { authorization: basic('alice:second') };
  assert.equal((await request(lint(made(app)), 'GET', '/', { headers })).status, 200);
});

/** Returns the rounds of bcrypt of all hashes together. */
const rounds = (hashes: readonly string[]): number =>
  hashes.reduce((sum, hash) => sum + 2 ** Number(hash.split('$')[2]), 0);

/** Returns the file with a user for each cost, user0 first, and its warnings. */
async function usersWith(t: TestContext, costs: readonly number[]) {
  const users = costs.map((cost, at) => `user${at}:${hashSync('secret', cost)}\n`).join('');
  const files = await filesUntilEnd(t, { users });
  await chmod(files.path('users'), 0o600);
  const { log, lines } = captureLog();
  return { file: new HtpasswdFile(files.path('users'), log), lines };
}

test('AU-6 a password costs the same for each user and for none, but for a user whose hash costs more than most', async (t) => {
  const { file, lines } = await usersWith(t, [6, 4, 8, 6, 5]);
  for (const user of ['user0', 'user1', 'user2', 'user3', 'user4', 'nobody', '']) {
    const { hashes, known } = await file.hashesOf(user);
    assert.equal(rounds(hashes), user === 'user2' ? 2 ** 8 : 2 ** 6, user);
    assert.deepEqual(
      hashes.map((hash) => compareSync('secret', hash)),
      hashes.map((_, at) => known && at === 0),
      user,
    );
  }
  assert.match(
    lines.map(({ msg }) => msg).join('\n'),
    /^\S+users: the password of user2 has a bcrypt cost of 8, more than the 6 of most/,
  );
  const equal = await usersWith(t, [4, 6]);
  assert.equal(rounds((await equal.file.hashesOf('nobody')).hashes), 2 ** 6, 'of equally common ones the highest');
  assert.deepEqual(equal.lines, []);
});

test('the usual cost is that of the file as it is now', async (t) => {
  const files = await filesUntilEnd(t, { users: `alice:${hashSync('secret', 6)}\n` });
  const clock = new FakeClock();
  const file = new HtpasswdFile(files.path('users'), captureLog().log, undefined, clock);
  assert.equal(rounds((await file.hashesOf('nobody')).hashes), 2 ** 6);
  await writeFile(files.path('users'), `alice:${hashSync('secret', 5)}\nbob:${hashSync('secret', 4)}\n`);
  await clock.advance(2000);
  for (const user of ['alice', 'bob', 'nobody']) assert.equal(rounds((await file.hashesOf(user)).hashes), 2 ** 5);
});

test('a user file that could not be read is tried again, though its time, size and inode are the same', async (t) => {
  const files = await filesUntilEnd(t, { users: `alice:${hash('a')}\nmallory:${hash('m')}\n` });
  const path = files.path('users');
  await chmod(path, 0o600);
  const clock = new FakeClock();
  const { log, lines } = captureLog();
  const file = new HtpasswdFile(path, log, undefined, clock);
  const time = new Date('2026-01-01T00:00:00Z');
  /** Writes the file in place, with the same stamp each time. */
  const write = async (text: string): Promise<void> => {
    await writeFile(path, text);
    await utimes(path, time, time);
    await clock.advance(2000);
  };
  const isKnown = async (user: string): Promise<boolean> => (await file.hashesOf(user)).known;
  const without = `alice:${hash('a')}\n`;
  await write(without.replace(':', ';'));
  assert.equal(await isKnown('mallory'), true, 'the old users are kept');
  await clock.advance(2000);
  assert.equal(await isKnown('mallory'), true);
  assert.equal(lines.filter(({ level }) => level === 'error').length, 1, 'one line for the reason');
  await write(without);
  assert.equal(await isKnown('mallory'), false, 'the user is removed');
  assert.equal(await isKnown('alice'), true);
  assert.equal(lines.at(-1)?.msg, 'read the user file again');
});

test('AU-6 a cost that takes seconds is a warning of the check, one that takes minutes an error with its line', async (t) => {
  const hash = hashSync('secret', 4);
  const files = await filesUntilEnd(t, {
    slow: `alice:${hash.replace('$04$', '$16$')}\n`,
    ...Object.fromEntries(
      [18, 25, 32].map((cost) => [`c${cost}`, `alice:${hash}\nbob:${hash.replace('$04$', `$${cost}$`)}\n`]),
    ),
  });
  const { log, lines } = captureLog();
  for (const cost of [18, 25, 32]) {
    const path = files.path(`c${cost}`);
    assert.throws(() => new HtpasswdFile(path, log), new RegExp(`c${cost}:2: .*a cost from 04 to 17`));
    await assert.rejects(async () => buildFilter(basicAuth, { local: { user_file: path } }), {
      code: 'PORTICO_USER_FILE',
    });
  }
  await chmod(files.path('slow'), 0o600);
  new HtpasswdFile(files.path('slow'), log);
  assert.equal(typeof (basicAuth as { readonly trial?: unknown }).trial, 'function', 'check reads the file too');
  assert.match(String(lines.at(-1)?.msg), /alice has a bcrypt cost of 16, a login takes more than a second/);
});
