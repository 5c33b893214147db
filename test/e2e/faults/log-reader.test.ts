/** A reader of standard error that stops reading costs lines of the log, and nothing else. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort } from '../../fixtures/free-port.js';
import { get } from '../../fixtures/http-client.js';
import { endGroup, spawnKept } from '../../fixtures/keeper.js';
import { apiCli, emptyProject } from '../../fixtures/project.js';
import { until, untilIs } from '../../fixtures/until.js';
import { printFigures } from './figures.js';

/** Logs 4 kB for each request, and writes past the log, as a package may. */
const APP = `
export const app = (g, l, ctx) => (req, res) => {
  ctx.log.warn({ filler: 'x'.repeat(3800) }, 'asked');
  console.error('past the log');
  res.end(JSON.stringify(process.pid));
};
`;

/** Standard error of a process, read only on demand. */
interface Reader {
  readonly descriptor: number | 'pipe';
  /** Reads what is there, and returns all that was read. */
  read(child: ChildProcess): string;
  close(): void;
}

function pipe(folder: string): Reader {
  const path = join(folder, 'log.fifo');
  execFileSync('mkfifo', [path]);
  const end = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const descriptor = openSync(path, constants.O_WRONLY);
  const bytes = Buffer.alloc(2 ** 20);
  let text = '';
  const read = (): string => {
    try {
      for (let count = 1; count > 0; ) {
        count = readSync(end, bytes);
        text += bytes.toString('latin1', 0, count);
      }
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
    return text;
  };
  const close = (): void => {
    closeSync(end);
    closeSync(descriptor);
  };
  return { descriptor, read, close };
}

/** Node's own pipes are Unix stream sockets, as the standard error of a unit of systemd is. */
function socket(): Reader {
  let text = '';
  const read = ({ stderr }: ChildProcess): string => {
    for (let piece = stderr!.read() as Buffer | null; piece !== null; piece = stderr!.read() as Buffer | null)
      text += piece.toString('latin1');
    return text;
  };
  return { descriptor: 'pipe', read, close: () => undefined };
}

async function start(t: TestContext, kind: typeof pipe, more: string) {
  const port = await freePort();
  const { folder } = emptyProject({
    'app.js': APP,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[DEFAULT]\ngraceful_shutdown_timeout = 20\n${more}\n[api:hello]\nport = ${port}\nworkers = 2\n`,
  });
  const reader = kind(folder);
  const child = spawnKept(process.execPath, [apiCli], { cwd: folder, stdio: ['ignore', 'ignore', reader.descriptor] });
  const ended = once(child, 'exit');
  t.after(async () => {
    endGroup(child.pid!);
    await ended;
    reader.close();
  });
  const pids = new Set<number>();
  const ask = async (): Promise<number> => {
    const { status, body } = await get<number>(port, '/');
    pids.add(body);
    return status;
  };
  const asked = (): Promise<number> => ask().catch(() => 0);
  await untilIs(asked, 200);
  return { child, ended, reader, pids, ask, asked };
}

/** Reports whether writes to standard error of a process block, for all that share its description: proc_pid_fdinfo(5). */
function blocks(pid: number): boolean {
  const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/2`, 'latin1'))![1]!;
  return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) === 0;
}

for (const [name, kind] of [
  ['a pipe', pipe],
  ['a Unix stream socket', socket],
] as const) {
  test(`NI-1 RW-5 a reader that stops costs lines, no request and no stop, after a reload and a crash: ${name}`, async (t) => {
    const { child, ended, reader, pids, ask, asked } = await start(t, kind, '');
    const before = new Set(pids);
    child.kill('SIGHUP');
    await until(asked, () => pids.size > before.size);
    const crashed = [...pids].at(-1)!;
    process.kill(crashed, 'SIGKILL');
    await until(asked, () => pids.size > before.size + 1);
    // Also for what writes past the log: to start a worker and its end make it block for a moment.
    if (existsSync('/proc/self/fdinfo'))
      await until(
        () => blocks(child.pid!),
        (isBlocking) => !isBlocking,
      );

    const statuses = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const got: number[] = [];
        for (let count = 0; count < 200; count++) got.push(await ask());
        return got;
      }),
    );
    const refused = statuses.flat().filter((status) => status !== 200);
    assert.deepEqual(refused, []);

    const told = await until(
      () => reader.read(child),
      (text) => text.includes('log_lines_lost'),
    );
    const [, line] = /^(\{.*"log_lines_lost".*\})$/m.exec(told)!;
    const { level, dropped, code, msg } = JSON.parse(line!) as Record<string, unknown>;
    assert.deepEqual([level, code], ['warn', 'EAGAIN']);
    assert.equal(msg, `${String(dropped)} lines of this log could not be written: standard error was not read`);

    for (let count = 0; count < 600; count++) assert.equal(await ask(), 200);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    printFigures(`the reader of the log stops: ${name}`, {
      answered: 1800,
      lost: 'none',
      'lines lost': String(dropped),
    });
  });
}
