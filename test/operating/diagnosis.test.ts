import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { emptyProject } from '../e2e/program.js';
import { endGroup, spawnKept } from '../fixtures/keeper.js';

const { folder } = emptyProject({});

const program = join(folder, 'main.mjs');
writeFileSync(
  program,
  `import { createLogger, Config } from 'portico';
   import { launch, ProcessLauncher } from 'portico/launch';
   import { Service } from 'portico/service';
   class Cleaner extends Service {
     name = 'cleaner';
     async start() {
       this.tasks.spawn(function sweeping({ signal }) { return new Promise((resolve) => signal.addEventListener('abort', resolve)); });
       console.log('started', this.backdoorPort);
     }
   }
   const config = await Config.load({ files: [process.argv[2]], argv: [] });
   const launcher = await launch(new Cleaner(), { config, workers: Number(process.argv[3]) });
   process.exitCode = await launcher.wait();`,
);

/** Starts the application with these options in [DEFAULT]. `line` settles with the next output line that contains the word. */
async function started(
  options: string,
  workers: number,
): Promise<{ child: ChildProcess; line: (word: string) => Promise<string> }> {
  const file = join(folder, `portico-${Math.random()}.ini`);
  writeFileSync(file, options);
  const child = spawnKept(process.execPath, [program, file, String(workers)], { stdio: ['ignore', 'pipe', 'pipe'] });
  after(() => endGroup(child.pid!));
  const lines: string[] = [];
  let told = (): void => {};
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      told();
    });
  }
  const line = async (word: string): Promise<string> => {
    for (;;) {
      const at = lines.findIndex((each) => each.includes(word));
      if (at !== -1) return lines.splice(0, at + 1).at(-1)!;
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
  };
  return { child, line };
}

async function ended(child: ChildProcess): Promise<number | null> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  return ((await exit) as [number | null])[0];
}

test('LC-1501 LC-1502 SIGUSR2 writes a report to standard error, and the process goes on', async () => {
  const { child, line } = await started('', 1);
  await line('started null');
  for (let round = 0; round < 2; round++) {
    child.kill('SIGUSR2');
    await line('Guru Meditation');
    await line('task sweeping: running');
    await line('Configuration');
  }
  assert.equal(await ended(child), 0);
});

test('LC-1502 a storm of SIGUSR2 gives the reports that fit into it, whole, and harms nobody', async () => {
  const { child, line } = await started('', 2);
  await line(' is ready');
  await line(' is ready');
  for (let signal = 0; signal < 200; signal++) child.kill('SIGUSR2');
  await line('Guru Meditation');
  for (const worker of [0, 1]) {
    await line(`Worker ${worker} of cleaner`);
    await line('Package');
    await line('task sweeping: running');
    await line('Configuration');
  }
  assert.equal(await ended(child), 0);
});

test('LC-201 LC-106 LC-1109 LC-1204 the backdoor is opened before the service starts, which is told where; each worker has its own', async () => {
  const { child, line } = await started('[DEFAULT]\nbackdoor_port = 0\n', 2);
  const ports = [await line('started'), await line('started')].map((text) => Number(text.split(' ')[1]));
  assert.notEqual(ports[0], ports[1]);
  for (const port of ports) {
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('utf8');
    let answer = '';
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.write('services()[0].name\npgt()\nexit\n');
    await once(socket, 'close');
    assert.match(answer, /cleaner/);
    assert.match(answer, /task sweeping: running/);
  }
  assert.equal(await ended(child), 0);
});
