// The contestants and the commands that start them.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeProgram, porticoWorkers } from './processes.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** `api-cli` with the files of portico/: a parent that serves no requests, and one worker. */
function portico(work, port, { certificate, logLevel, forwarded }) {
  const options = logLevel === undefined ? [] : [`DEFAULT.log_level=${logLevel}`];
  // noauth refuses forwarded requests unless an option says that the API is open to all.
  if (forwarded === true) options.push('proxy_headers.trusted_proxies=loopback', 'noauth.i_know_this_is_open=true');
  if (work !== 'work6') return porticoWorkers(1, options)(work, port);
  options.push(
    `DEFAULT.enabled_ssl_apis=${work}`,
    `ssl.cert_file=${certificate.cert}`,
    `ssl.key_file=${certificate.key}`,
  );
  return porticoWorkers(1, options)(work, port);
}

const PYTHON = '/usr/bin/python3';
const PYTHON_FOLDER = here('contestants/python');

/** oslo.service with eventlet in Debian's Python: one process, as nova's API with one worker. */
function oslo(work, port) {
  return { command: PYTHON, args: ['oslo.py'], cwd: PYTHON_FOLDER, env: pythonEnv(work, port) };
}

/** gunicorn with threads, its worker class that keeps connections open. */
function gunicorn(work, port, { certificate }) {
  const args = ['-m', 'gunicorn', '--bind', `127.0.0.1:${port}`, '--workers', '1', '--worker-class', 'gthread'];
  args.push('--threads', '16', '--keep-alive', '65', '--log-level', 'error');
  if (work === 'work6') args.push('--certfile', certificate.cert, '--keyfile', certificate.key);
  args.push('gunicorn_app:application');
  return { command: PYTHON, args, cwd: PYTHON_FOLDER, env: pythonEnv(work, port) };
}

function pythonEnv(work, port) {
  return { BENCH_WORK: work, BENCH_PORT: String(port), PYTHONDONTWRITEBYTECODE: '1' };
}

/** Returns a function that lists the missing Debian packages. If none is missing, the contestant can run. */
function lacking(modules) {
  return () =>
    Object.keys(modules)
      .filter((name) => spawnSync(PYTHON, ['-c', `import ${name}`]).status !== 0)
      .map((name) => modules[name]);
}

const COMMON_PACKAGES = {
  'paste.deploy': 'python3-pastedeploy',
  'paste.urlmap': 'python3-paste',
  routes: 'python3-routes',
  webob: 'python3-webob',
  jsonschema: 'python3-jsonschema',
  oslo_service: 'python3-oslo.service',
  oslo_middleware: 'python3-oslo.middleware',
};

/**
 * The contestants by name. `filters`: does works 2 and 3 behind the seven filters; without them, its responses lack the filters'
 * headers. `main`: has a target, and takes part in every round; the others take part in every third. `share`, `warmUpShare`: the
 * sufficient part of a round's requests for a slow contestant, and of the warm-up for one that compiles nothing at runtime. `lacks()`:
 * the missing system packages.
 */
export const CONTESTANTS = {
  portico: { label: 'Portico', filters: true, main: true, server: portico },
  node: { label: 'node:http', filters: false, main: true, server: nodeProgram('node') },
  fastify: { label: 'Fastify', filters: false, main: true, server: nodeProgram('fastify') },
  hooks: {
    label: 'Fastify, own hooks',
    filters: true,
    main: true,
    server: nodeProgram('fastify-hooks'),
    works: ['work2', 'work3'],
  },
  middie: { label: 'Fastify with middie', filters: true, server: nodeProgram('fastify-middie') },
  express: { label: 'Express 5', filters: true, share: 0.5, server: nodeProgram('express') },
  koa: { label: 'Koa', filters: true, share: 0.5, server: nodeProgram('koa') },
  hono: { label: 'Hono on Node', filters: true, server: nodeProgram('hono') },
  nest: { label: 'NestJS on Fastify', filters: true, share: 0.5, server: nodeProgram('nest') },
  oslo: {
    label: 'oslo.service, eventlet',
    filters: true,
    main: true,
    share: 0.1,
    warmUpShare: 0.1,
    server: oslo,
    lacks: lacking(COMMON_PACKAGES),
  },
  gunicorn: {
    label: 'gunicorn, threads',
    filters: true,
    share: 0.1,
    warmUpShare: 0.1,
    server: gunicorn,
    lacks: lacking({ ...COMMON_PACKAGES, gunicorn: 'gunicorn' }),
  },
};
