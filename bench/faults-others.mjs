// The rows of the fault kit on alternative servers: gunicorn, PM2 and nginx beside Portico, one after the other on one machine. Creates
// the comparison table of docs/reliability.md.
//
//   npm run build && npm run build:test
//   node bench/faults-others.mjs                    all installed servers
//   node bench/faults-others.mjs --short nginx      a few rounds of one server
//   PM2_BIN=/elsewhere/node_modules/.bin/pm2 node bench/faults-others.mjs --short pm2
//
// gunicorn and nginx must be in PATH, PM2 in PATH or at PM2_BIN. Missing servers are named and skipped. This script installs nothing.
// Each server has two workers and its defaults, except where the lines below say otherwise.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { FaultFleet } from '../dist-test/e2e/faults/fault-fleet.js';
import { describeLosses, quantile, seconds } from '../dist-test/e2e/faults/figures.js';
import { askFor, Load } from '../dist-test/e2e/faults/load.js';
import { killAll, kills, reloads, stopAtWork, stuck } from '../dist-test/e2e/faults/rows.js';
import {
  idleConnections,
  slowBodies,
  slowHeads,
  slowReaders,
  stoppedReaders,
} from '../dist-test/e2e/faults/slow-clients.js';
import { childrenOf, isAlive, pause, until } from '../dist-test/e2e/faults/target.js';
import { freePort } from '../dist-test/e2e/program.js';

const words = process.argv.slice(2);
const short = words.includes('--short');
const wanted = words.filter((word) => !word.startsWith('--'));
const TIMEOUT = 3;
const STUCK_WITHIN_MS = 15_000;

const gunicornApp = `
import os, time
WORD = open(os.path.join(os.path.dirname(__file__), 'word')).read()
LARGE = b'x' * (8 * 1024 * 1024)
def app(environ, start_response):
    path = environ['PATH_INFO']
    body = ('%s %d' % (WORD, os.getpid())).encode()
    if environ['REQUEST_METHOD'] == 'POST':
        body = str(len(environ['wsgi.input'].read())).encode()
    elif path == '/slow':
        time.sleep(2)
    elif path == '/spin':
        while True: pass
    elif path == '/large':
        body = LARGE
    start_response('200 OK', [('Content-Length', str(len(body)))])
    return [body]
`;

// A graceful reload as in PM2's manual: report readiness, and close the server on SIGINT.
const pm2App = `
const http = require('node:http');
const fs = require('node:fs');
const large = Buffer.alloc(8 * 1024 * 1024, 'x');
const text = fs.readFileSync(__dirname + '/word', 'utf8') + ' ' + process.pid;
const server = http.createServer((req, res) => {
  if (req.method === 'POST') { let n = 0; req.on('data', (c) => { n += c.length; }); req.on('end', () => res.end(String(n))); req.on('error', () => {}); }
  else if (req.url === '/slow') setTimeout(() => res.end(text), 2000);
  else if (req.url === '/large') res.end(large);
  else if (req.url === '/spin') for (;;) Math.random();
  else res.end(text);
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send('ready'));
process.on('SIGINT', () => server.close(() => process.exit(0)));
`;

function found(name) {
  return process.env.PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);
}

function place(files) {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** Starts a server of one process with children, and waits until it responds. */
async function daemon(folder, port, command, args, { reload, stopSignal = 'SIGTERM', env = {} }) {
  const child = spawn(command, args, { cwd: folder, stdio: 'ignore', env: { ...process.env, ...env } });
  const ended = once(child, 'exit').then(([code]) => code);
  const url = `http://127.0.0.1:${port}`;
  await until(
    () =>
      askFor(`${url}/`).then(
        () => childrenOf(child.pid).length >= 2,
        () => false,
      ),
    20_000,
  );
  return {
    url,
    pid: child.pid,
    reload: (word) => {
      reload(word);
      child.kill('SIGHUP');
    },
    stop: () => {
      child.kill(stopSignal);
      return ended;
    },
    workers: () => childrenOf(child.pid),
    end: async () => {
      const workers = childrenOf(child.pid);
      if (isAlive(child.pid)) child.kill('SIGKILL');
      for (const pid of workers) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const contenders = {
  portico: {
    version: () => createRequire(import.meta.url)('../package.json').version,
    start: () => FaultFleet.start({ options: { 'DEFAULT.worker_timeout': String(TIMEOUT) } }),
  },
  gunicorn: {
    // Threads, because the default worker closes every connection after one response and serves one client at a time.
    version: () =>
      found('gunicorn') &&
      spawnSync(found('gunicorn'), ['--version'])
        .stdout.toString()
        .match(/[\d.]+/)[0],
    start: async () => {
      const port = await freePort();
      const folder = place({ 'app.py': gunicornApp, word: 'first' });
      const args = ['-w', '2', '-k', 'gthread', '--threads', '16', '--timeout', String(TIMEOUT)];
      return daemon(folder, port, found('gunicorn'), [...args, '-b', `127.0.0.1:${port}`, 'app:app'], {
        reload: (word) => writeFileSync(join(folder, 'word'), word),
      });
    },
  },
  pm2: {
    // Not from its command line, which would start its daemon.
    version: () => {
      const bin = process.env.PM2_BIN ?? found('pm2');
      return bin && createRequire(realpathSync(bin))('../package.json').version;
    },
    start: async () => {
      const bin = process.env.PM2_BIN ?? found('pm2');
      const port = await freePort();
      const apps = [
        {
          name: 'app',
          script: './app.cjs',
          exec_mode: 'cluster',
          instances: 2,
          wait_ready: true,
          kill_timeout: 10_000,
          env: { PORT: String(port) },
        },
      ];
      const folder = place({
        'app.cjs': pm2App,
        word: 'first',
        'ecosystem.config.cjs': `module.exports = ${JSON.stringify({ apps })};`,
      });
      const pm2 = async (...args) => {
        const child = spawn(bin, args, {
          cwd: folder,
          stdio: 'ignore',
          env: { ...process.env, PM2_HOME: join(folder, 'home') },
        });
        return (await once(child, 'exit'))[0];
      };
      await pm2('start', 'ecosystem.config.cjs');
      const pid = Number(readFileSync(join(folder, 'home', 'pm2.pid'), 'utf8'));
      const url = `http://127.0.0.1:${port}`;
      let busy = Promise.resolve();
      await until(
        () =>
          askFor(`${url}/`).then(
            () => true,
            () => false,
          ),
        20_000,
      );
      return {
        url,
        pid,
        // It refuses a reload during another one.
        reload: async (word) => {
          await busy;
          writeFileSync(join(folder, 'word'), word);
          busy = pm2('reload', 'app');
        },
        stop: async () => {
          await pm2('delete', 'app');
          return null;
        },
        workers: () => childrenOf(pid),
        end: async () => {
          const workers = childrenOf(pid);
          await pm2('kill');
          for (const worker of workers) if (isAlive(worker)) process.kill(worker, 'SIGKILL');
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  },
  nginx: {
    // It runs no code of the test: fixed texts, a file for the large response, a throttled file for the slow one.
    noSpin: true,
    version: () =>
      found('nginx') &&
      spawnSync(found('nginx'), ['-v'])
        .stderr.toString()
        .match(/[\d.]+/)[0],
    start: async () => {
      const port = await freePort();
      const folder = place({ large: 'x'.repeat(8 * 1024 * 1024), slow: 'x'.repeat(3000) });
      const conf = (word) =>
        writeFileSync(
          join(folder, 'nginx.conf'),
          `${process.getuid() === 0 ? 'user root;' : ''} daemon off; worker_processes 2; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http { access_log off; default_type text/plain; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/p;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; root ${folder};
  server { listen 127.0.0.1:${port};
    location = / { return 200 "${word} $pid"; } location = /slow { limit_rate 1000; } location = /large { } } }\n`,
        );
      conf('first');
      return daemon(folder, port, found('nginx'), ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
        reload: conf,
        stopSignal: 'SIGQUIT',
      });
    },
  },
};

const times = ({ times }) => (times.length === 0 ? 'never' : `${seconds(quantile(times, 0.5))} (median)`);
const loss = ({ lost, answered }) =>
  `${lost.length} of ${answered + lost.length}${lost.length ? ` (${describeLosses(lost)})` : ''}`;

const rows = {
  reloads: async (target) => {
    const rounds = short ? 3 : 20;
    const outcome = await reloads(target, rounds, { kept: 8, fresh: 8, slow: 3, large: 2 });
    return `lost ${loss(outcome)}, applied ${outcome.applied} of ${rounds}, new generation after ${times(outcome)}`;
  },
  kills: async (target) => {
    const outcome = await kills(target, short ? 3 : 10, 8);
    return `lost ${loss(outcome)}, replaced ${outcome.times.length}, after ${times(outcome)}`;
  },
  'all killed': async (target) => {
    const outcome = await killAll(target, 8);
    return `lost ${loss(outcome)}, served again after ${times(outcome)}`;
  },
  freeze: async (target) => {
    const outcome = await stuck(target, 'freeze', STUCK_WITHIN_MS);
    return `lost ${loss(outcome)}, replaced after ${times(outcome)}`;
  },
  spin: async (target, { noSpin }) => {
    if (noSpin) return 'runs no code';
    const outcome = await stuck(target, 'spin', STUCK_WITHIN_MS);
    return `lost ${loss(outcome)}, replaced after ${times(outcome)}`;
  },
  'slow clients': async (target) => {
    const port = Number(new URL(target.url).port);
    const load = new Load(target, { kept: 4, fresh: 4 });
    await load.more(300);
    const before = quantile(load.times, 0.99);
    load.times = [];
    const groups = [
      slowHeads(port, 200),
      slowBodies(port, 100),
      stoppedReaders(port, 25),
      slowReaders(port, 25),
      idleConnections(port, 1000),
    ];
    await Promise.race([Promise.all(groups.map(({ begun }) => begun)), pause(20_000)]);
    await pause(8000);
    const answered = load.total;
    for (const group of groups) group.close();
    await load.stop();
    return `lost ${loss({ lost: load.lost, answered })}, p99 ${Math.round(before)} ms -> ${Math.round(quantile(load.times, 0.99))} ms`;
  },
  stop: async (target) => {
    const { whole, cut, status, afterLastMs } = await stopAtWork(target, 8);
    return `whole ${whole}, cut ${cut}, status ${status}, ended ${seconds(afterLastMs)} after the last answer`;
  },
};

let target;
// PM2's daemon would outlive this script.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    void Promise.resolve(target?.end()).finally(() => process.exit(1));
  });
}

for (const [name, contender] of Object.entries(contenders)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const version = contender.version();
  if (!version) {
    console.log(`${name}: not installed`);
    continue;
  }
  console.log(`${name} ${version}`);
  for (const [row, run] of Object.entries(rows)) {
    target = await contender.start();
    try {
      console.log(`  ${row}: ${await run(target, contender)}`);
    } catch (error) {
      console.log(`  ${row}: failed: ${error.message}`);
    } finally {
      await target.end();
      target = undefined;
    }
  }
}
process.exit(0);
