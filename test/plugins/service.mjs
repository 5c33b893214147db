/** A service for one case in one way: two workers, the usual filters, the app at `/` and below `/mnt`. */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const KIT = fileURLToPath(new URL('kit.mjs', import.meta.url));
const MODULES = fileURLToPath(new URL('node_modules', import.meta.url));
const PROGRAM = join(MODULES, 'portico', 'lib', 'cli', 'main.js');
const WAIT_MS = 30_000;
const STOP_MS = 15_000;

/** Starts the service. `stop()` ends it and returns its exit status and its log lines of level error. */
export async function serve({ file, name, way, ini, files = {}, mounts }, env) {
  const folder = mkdtempSync(join(tmpdir(), 'portico-plugins-'));
  writeFileSync(join(folder, 'api-paste.ini'), paste({ file, name, way, ini, mounts }));
  writeFileSync(join(folder, 'portico.ini'), `[DEFAULT]\nlog_format = json\n\n[api:tried]\nport = 0\nworkers = 2\n`);
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  symlinkSync(MODULES, join(folder, 'node_modules'));
  const child = spawn(process.execPath, [PROGRAM], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = [];
  const told = new EventEmitter();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      told.emit('line');
    });
  }
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`it ended with ${status}:\n${lines.join('\n')}`);
  });
  ended.catch(() => undefined);
  const printed = async (text) => {
    const signal = AbortSignal.timeout(WAIT_MS);
    while (!lines.some((line) => line.includes(text))) await Promise.race([once(told, 'line', { signal }), ended]);
  };
  const stop = async () => {
    const exited = child.exitCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(killer);
    rmSync(folder, { recursive: true, force: true });
    return { status: child.exitCode, lines, errors: lines.filter((line) => /"level":"(?:error|fatal)"/.test(line)) };
  };
  try {
    await printed('"event":"ready"');
  } catch (error) {
    await stop();
    throw error;
  }
  // Any free port, so that no other process takes it before the start.
  const [, port] = /"address":\{[^}]*"port":(\d+)/.exec(lines.join('\n'));
  return { url: `http://127.0.0.1:${port}`, printed, stop };
}

function paste({ file, name, way, ini, mounts }) {
  const tried = `file = ${file}\nname = ${name}\nway = ${way}`;
  const own = way === 'ini' ? ini : `[app:app]\npaste.app_factory = ${KIT}:app\n${tried}`;
  const filters = way === 'connect' ? ['tried'] : [...own.matchAll(/^\[filter:(\w+)\]/gm)].map(([, each]) => each);
  const filter = way === 'connect' ? `\n[filter:tried]\npaste.filter_factory = ${KIT}:filter\n${tried}` : '';
  return `[composite:tried]
use = egg:Paste#urlmap
${mounts.map((mount) => `${mount || '/'} = served`).join('\n')}

[pipeline:served]
pipeline = request_id request_log catch_errors sizelimit compress ${filters.join(' ')} app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:request_log]
paste.filter_factory = portico/middleware:requestLog

[filter:catch_errors]
paste.filter_factory = portico/middleware:catchErrors

[filter:sizelimit]
paste.filter_factory = portico/middleware:sizelimit
max_request_body_size = 4M

[filter:compress]
paste.filter_factory = portico/middleware:compression

${own}
${filter}
`;
}
