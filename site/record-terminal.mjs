// Records the terminal of the README: runs the commands on a service under load, and draws what they print.
//
//   node site/record-terminal.mjs           writes docs/pictures/terminal.svg; needs `npm run build`
//   node site/record-terminal.mjs --print   prints the recorded lines instead
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../bench/measure/server-process.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const program = join(root, 'lib', 'cli', 'main.js');
const terminal = join(root, 'test', 'fixtures', 'terminal.cjs');
const CLIENTS = 16;
/** The port that the lines show, whatever the service has. */
const SHOWN_PORT = '8080';

const APP = `import { Router } from 'portico';

export const app = () => {
  const router = new Router();
  router.get('/books/{id:int}', ({ params }) => {
    while (params.id === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    return { id: params.id, title: 'Emma' };
  });
  return router.build();
};
`;
const PASTE = `[pipeline:books]
pipeline = request_id books_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[app:books_app]
paste.app_factory = ./books.js:app
`;

/** Returns the lines of the recording. */
async function record() {
  const folder = mkdtempSync(join(tmpdir(), 'portico-terminal-'));
  const port = await freePort();
  const ini = `[DEFAULT]\nenabled_apis = books\nworker_timeout = 10\n\n[api:books]\nport = ${port}\nworkers = 2\n[control]\nsocket = control.sock\n`;
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'portico'));
  for (const [name, text] of Object.entries({ 'books.js': APP, 'api-paste.ini': PASTE, 'portico.ini': ini })) {
    writeFileSync(join(folder, name), text);
  }
  const options = { cwd: folder, env: { ...process.env, XDG_RUNTIME_DIR: folder } };
  const service = spawn(process.execPath, ['--require', terminal, program], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = `http://127.0.0.1:${port}/books/`;
  const lines = [];
  const show = (kind, text) => {
    const shown = text.trimEnd().replaceAll(String(port), SHOWN_PORT).replaceAll(`file://${folder}/`, '');
    for (const line of shown.split('\n')) lines.push({ kind, line });
  };
  const said = (text) => show('said', text);
  const typed = (text) => show('typed', text);
  const portico = (...words) =>
    new Promise((resolve) => execFile(process.execPath, [program, ...words], options, (_, stdout) => resolve(stdout)));
  const status = async () => {
    const [res] = await once(get({ socketPath: join(folder, 'control.sock'), path: '/status' }), 'response');
    return JSON.parse((await res.toArray()).join('')).services[0];
  };
  const until = async (isWanted) => {
    while (!isWanted(await status())) await pause(100);
  };
  const head = (text, count) => text.split('\n').slice(0, count).join('\n');
  const edit = (file, from, to) => {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  };
  try {
    typed('npx portico &');
    const [served] = await once(service.stdout.setEncoding('utf8'), 'data');
    show('printed', served);
    const load = new Load(url);
    said(`# ${CLIENTS} clients send requests from now on, on kept connections`);

    typed("sed -i 's/workers = 2/workers = 3/' portico.ini && npx portico reload | head -5");
    edit('portico.ini', 'workers = 2', 'workers = 3');
    show('printed', head(await portico('reload'), 5));

    typed("sed -i 's/port/prot/' portico.ini; sed -i 's/= request_id/= request_di/' api-paste.ini");
    edit('portico.ini', 'port', 'prot');
    edit('api-paste.ini', '= request_id', '= request_di');
    typed('npx portico reload | head -8');
    show('printed', head(await portico('reload'), 8));
    await load.more(1000);
    const { answered, lost } = await load.stop();
    said(`# the service runs on as before: ${answered.toLocaleString('en')} responses, ${lost} lost`);

    typed(`curl ${url}0 &    # its handler loops for ever`);
    const looping = once(get(`${url}0`), 'error');
    await until(({ workers }) => workers.some(({ stack }) => stack !== undefined));
    typed('npx portico status | head -3');
    show('printed', head(await portico('status'), 3));
    await looping;
    await until(({ ready, lastFailure }) => ready === 3 && lastFailure !== undefined);
    typed("npx portico status | grep 'of 3 ready\\|last failure'");
    const shown = (await portico('status')).split('\n');
    show('printed', shown.filter((line) => /of 3 ready|last failure/.test(line)).join('\n'));
    return lines;
  } finally {
    service.kill('SIGTERM');
    if (service.exitCode === null && service.signalCode === null) await once(service, 'exit');
    rmSync(folder, { recursive: true });
  }
}

/** Clients that send one request after another. */
class Load {
  answered = 0;
  lost = 0;
  #stops = false;
  #clients;

  constructor(url) {
    this.#clients = Array.from({ length: CLIENTS }, () => this.#client(`${url}7`));
  }

  async more(count) {
    const goal = this.answered + count;
    while (this.answered < goal) await pause(20);
  }

  async stop() {
    this.#stops = true;
    await Promise.all(this.#clients);
    return this;
  }

  async #client(url) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#stops) {
      try {
        const [res] = await once(get(url, { agent }), 'response');
        await once(res.resume(), 'end');
        this.answered++;
      } catch {
        this.lost++;
      }
      await pause(20);
    }
    agent.destroy();
  }
}

const COLUMNS = 96;
const LINE = 18;
const COLORS = { typed: '#ffffff', printed: '#c9d1d9', said: '#7ee787' };

/** Draws the lines. */
function draw(lines) {
  const rows = lines.flatMap(({ kind, line }) =>
    wrapped(line).map((part, index) => ({ kind, part: kind === 'typed' && index === 0 ? `$ ${part}` : part })),
  );
  const width = COLUMNS * 7.3 + 32;
  const height = rows.length * LINE + 32;
  const texts = rows.map(({ kind, part }, index) => {
    const fill = /\berror:/.test(part) ? '#ff7b72' : COLORS[kind];
    return `<text x="16" y="${16 + LINE * (index + 1) - 4}" fill="${fill}" xml:space="preserve">${escaped(part)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height}" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="12" role="img">
<title>portico in a terminal</title>
<rect width="100%" height="100%" rx="8" fill="#161b22"/>
${texts.join('\n')}
</svg>
`;
}

function wrapped(line) {
  const parts = [];
  let rest = line;
  while (rest.length > COLUMNS) {
    const blank = rest.lastIndexOf(' ', COLUMNS);
    const end = blank > COLUMNS / 2 ? blank : COLUMNS;
    parts.push(rest.slice(0, end));
    rest = `    ${rest.slice(end).trimStart()}`;
  }
  return [...parts, rest];
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const lines = await record();
if (process.argv.includes('--print')) {
  for (const { kind, line } of lines) console.log(kind === 'typed' ? `$ ${line}` : line);
} else {
  writeFileSync(join(root, 'docs', 'pictures', 'terminal.svg'), draw(lines));
}
