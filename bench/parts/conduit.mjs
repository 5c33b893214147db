// RealWorld's backend, examples/conduit, and the same app on plain Fastify: both respond in turns from one database.
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { timeBetween, treeTimes } from '../measure/process-tree.mjs';
import { orderOf } from '../measure/rounds.mjs';
import { freePort, startServer } from '../measure/server-process.mjs';
import { summary } from '../measure/statistics.mjs';
import { API_CLI } from '../processes.mjs';
import { ask } from '../works/check.mjs';
import { CONNECTIONS, request } from '../works/works.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FASTIFY = fileURLToPath(new URL('../contestants/conduit-fastify.mjs', import.meta.url));
const SERVER = process.env.PORTICO_TEST_POSTGRESQL ?? 'postgresql://postgres@127.0.0.1:5432/postgres';
const KEY = 'a key of the bench, of 32 characters or more';
const ADA = { username: 'ada', email: 'ada@example.com', password: 'secret' };
const ARTICLES = 20;
const BLOCKS = 4;
/** A round takes most of a minute. */
const MOST_ROUNDS = 5;

/**
 * The requests by name, with the number of measured requests in a round, and of warm-up requests. With the database and the load
 * running, V8 has little time to compile: with a warm-up of 8,000 and blocks of 1,000, compiling was half of the CPU time.
 */
const ASKED = {
  articles: { label: 'list of articles', count: 8000, before: 10_000 },
  user: { label: 'current user, with token', count: 16_000, before: 20_000 },
  login: { label: 'login', count: 200, before: 50 },
};
/** The other works send a token, which Conduit would check and refuse. */
const ANYONE = { 'x-auth-token': undefined };

/** Measures Conduit. @see ../run.mjs for the members of the result. */
export async function measureConduit({ rounds, scale, load, say }) {
  const database = await makeDatabase();
  if (typeof database === 'string') {
    say(database);
    return result({}, [database]);
  }
  const folder = install();
  try {
    const requests = await fill(folder, database.url);
    const found = Object.fromEntries(Object.keys(ASKED).map((name) => [name, { portico: [], fastify: [] }]));
    for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round++) {
      const spent = await measureRound({ folder, database: database.url, requests, round, scale, load });
      for (const [name, both] of Object.entries(spent)) {
        for (const [who, micros] of Object.entries(both)) found[name][who].push(micros);
        say(`conduit  ${ASKED[name].label.padEnd(26)} ${(both.portico / both.fastify).toFixed(2)}`);
      }
    }
    return result(found, []);
  } finally {
    rmSync(folder, { recursive: true });
    await database.drop();
  }
}

/** Starts and warms both servers, and sends requests to them in turns, block by block. */
async function measureRound({ folder, database, requests, round, scale, load }) {
  const servers = {};
  const spent = Object.fromEntries(Object.keys(ASKED).map((name) => [name, { portico: 0, fastify: 0 }]));
  try {
    for (const who of orderOf(['portico', 'fastify'], round)) servers[who] = await start(who, folder, database);
    const asked = {};
    for (const [who, { port }] of Object.entries(servers)) {
      const { user } = JSON.parse((await ask(port, { request: requests.login })).body);
      const headers = { Authorization: `Token ${user.token}`, ...ANYONE };
      asked[who] = { ...requests, user: request('GET', '/api/user', undefined, headers) };
    }
    for (const [name, asking] of Object.entries(ASKED)) {
      const count = Math.max(CONNECTIONS, Math.ceil((asking.count * scale) / BLOCKS));
      for (let block = -1; block < BLOCKS; block++) {
        for (const who of orderOf(['portico', 'fastify'], round + block + 1)) {
          const { pid, port } = servers[who];
          const text = asked[who][name];
          const { status, body } = await ask(port, { request: text });
          if (status !== 200) throw new Error(`conduit: ${who} answers ${name} with ${status}: ${body}`);
          const order = { port, request: text, connections: CONNECTIONS, status, length: body.length };
          const before = treeTimes(pid);
          await load.send({ ...order, count: block < 0 ? asking.before : count });
          if (block >= 0) spent[name][who] += timeBetween(before, treeTimes(pid), pid).total / count / BLOCKS;
        }
      }
    }
  } finally {
    for (const server of Object.values(servers)) await server.stop();
  }
  return spent;
}

async function start(who, folder, database) {
  const port = await freePort();
  if (who === 'fastify') {
    return startServer({ command: process.execPath, args: [FASTIFY, folder, String(port), database, KEY] }, port);
  }
  const settings = [`api:conduit.port=${port}`, 'api:conduit.workers=1', 'DEFAULT.log_level=warn'];
  settings.push(`conduit.database=${database}`, `jwt.secret=${KEY}`);
  const args = [API_CLI, ...settings.flatMap((setting) => ['--set', setting])];
  return startServer({ command: process.execPath, args, cwd: folder }, port);
}

/** Returns the directory of a copy of the example that can import this package and `pg`. */
function install() {
  const folder = mkdtempSync(join(tmpdir(), 'portico-conduit-'));
  cpSync(join(ROOT, 'examples/conduit'), folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/portico'));
  symlinkSync(join(ROOT, 'node_modules/pg'), join(folder, 'node_modules/pg'));
  return folder;
}

/** Creates a separate database. Returns the reason as a text if that fails. */
async function makeDatabase() {
  const name = `conduit_bench_${randomBytes(4).toString('hex')}`;
  try {
    await run(SERVER, `CREATE DATABASE ${name}`);
  } catch (error) {
    return `conduit: no PostgreSQL at ${new URL(SERVER).host}, see PORTICO_TEST_POSTGRESQL: ${error.message}`;
  }
  const url = new URL(SERVER);
  url.pathname = name;
  await run(url.href, readFileSync(join(ROOT, 'examples/conduit/schema.sql'), 'utf8'));
  return { url: url.href, drop: () => run(SERVER, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function run(connectionString, sql) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** Creates the articles of a user, and returns the requests as text, except the one with a token. */
async function fill(folder, database) {
  const { Store } = await import(pathToFileURL(join(folder, 'store.js')).href);
  const store = new Store(database);
  const { id } = await store.addUser(ADA);
  for (let number = 1; number <= ARTICLES; number++) {
    const article = { title: `Article ${number}`, description: 'About it', body: 'Its text', tagList: ['one', 'two'] };
    await store.addArticle(id, article);
  }
  await store.close();
  const { email, password } = ADA;
  const login = Buffer.from(JSON.stringify({ user: { email, password } }));
  return {
    articles: request('GET', '/api/articles', undefined, ANYONE),
    login: request('POST', '/api/users/login', login, ANYONE),
  };
}

function result(found, problems) {
  const figures = Object.fromEntries(
    Object.entries(found).map(([name, { portico, fastify }]) => [
      name,
      {
        portico: summary(portico),
        fastify: summary(fastify),
        ratio: summary(portico.map((micros, at) => micros / fastify[at])),
      },
    ]),
  );
  return {
    name: 'conduit',
    title: "RealWorld's backend",
    notes: [
      "examples/conduit with one worker and its parent, beside the same store and schemas on plain Fastify, with hooks for request ids and the request log: µs of CPU a request. PostgreSQL's time is not counted.",
    ],
    problems,
    figures,
    table: {
      head: ['', 'Portico', 'Fastify', 'ratio'],
      rows: Object.entries(figures).map(([name, { portico, fastify, ratio }]) => [
        ASKED[name].label,
        portico,
        fastify,
        { ...ratio, digits: 2 },
      ]),
    },
  };
}
