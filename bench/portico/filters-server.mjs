// One filter in front of a small app, and the app without it: `node filters-server.mjs <section> <port> [workers]`.
//
// `/with` passes the filter and `/without` does not, so both run in the same process in the same minutes: this one, or each of its
// workers.
import { fileURLToPath } from 'node:url';
import { createLogger } from 'portico';
import { compose } from 'portico/app';
import { Config } from 'portico/config';
import { ProcessLauncher } from 'portico/launch';
import { Loader } from 'portico/loader';
import { Server } from 'portico/server';

const [, , section, port, workers] = process.argv;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const LEVELS = { request_log: 'info', debug: 'debug' };
const log = createLogger({ level: LEVELS[section] ?? 'warn', destination: { write() {} } });
// Smaller bodies are not compressed.
const length = section === 'compression' ? 48 : 16;
const TEXT = JSON.stringify({ items: Array.from({ length }, (_, id) => ({ id, name: `item ${id}` })) });
const HEAD = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(TEXT) };

const without = (_req, res) => {
  res.writeHead(200, HEAD);
  res.end(TEXT);
};
const config = await Config.load({ argv: false, files: [here('filters.conf')] });
const filter = await new Loader(here('filters.ini'), { config, log }).loadFilter(section);
const within = compose([filter], without);

const app = (req, res) => (req.url === '/with' ? within : without)(req, res);
const server = new Server('bench', app, { host: '127.0.0.1', port: Number(port), maxRequestsPerConnection: 0, log });
if (workers === undefined) await server.start();
else {
  const launcher = new ProcessLauncher({ log });
  await launcher.launchService(server, { workers: Number(workers) });
  process.exitCode = await launcher.wait();
}
