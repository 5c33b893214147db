/** Several workers on one port: what clients notice when one is killed, replaced or stopped. Nothing, that is. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { ask, Crowd } from './clients.js';
import { emptyProject, freePort, lives, type Program, startApiCli } from './program.js';
import { pidProject } from './projects.js';

interface Fleet {
  readonly program: Program;
  readonly url: string;
  end(): Promise<void>;
}

async function startFleet(workers: number, more = ''): Promise<Fleet> {
  const port = await freePort();
  const project = emptyProject(pidProject(port, workers, more));
  const program = startApiCli([], { cwd: project.folder });
  await program.printed(/^hello\b.*:\d+/m);
  return {
    program,
    url: `http://127.0.0.1:${port}/`,
    end: async () => {
      await program.end();
      project.remove();
    },
  };
}

/** Asks with fresh connections until this many processes have answered. */
async function pids(url: string, count: number): Promise<number[]> {
  const seen = new Set<number>();
  for (let i = 0; i < 5000 && seen.size < count; i++) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(`${url}?ms=5`)));
    for (const { text } of answers) seen.add(Number(text));
  }
  return [...seen];
}

test('PT-1 two workers answer on one port', async () => {
  const fleet = await startFleet(2);
  try {
    const seen = await pids(fleet.url, 2);
    assert.equal(seen.length, 2);
    assert.ok(!seen.includes(fleet.program.pid), 'the parent serves nothing');
  } finally {
    await fleet.end();
  }
});

test('PT-4 kill -9 of one worker refuses nobody, and it is replaced', async () => {
  const fleet = await startFleet(2);
  try {
    const [victim, sibling] = await pids(fleet.url, 2);
    const crowd = new Crowd(fleet.url, { kept: 0, fresh: 10 });
    await crowd.answered(100);
    process.kill(victim!, 'SIGKILL');
    await crowd.answered(300);
    const tally = await crowd.stop();
    assert.deepEqual(
      tally.lost.filter((loss) => loss === 'ECONNREFUSED' || loss.startsWith('status')),
      [],
    );
    assert.ok(tally.lost.length <= 10, `only what the killed worker had in hand: ${tally.lost.join(' ')}`);
    const after = await pids(fleet.url, 2);
    assert.ok(after.includes(sibling!), 'the sibling is untouched');
    assert.equal(after.length, 2);
    assert.ok(!after.includes(victim!));
  } finally {
    await fleet.end();
  }
});

test('PT-2 with all workers killed, connections wait and are answered by the replacements', async () => {
  const fleet = await startFleet(2);
  try {
    const victims = await pids(fleet.url, 2);
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(fleet.url).catch((error) => error.code)));
    const refused = answers.filter((answer) => answer === 'ECONNREFUSED');
    assert.deepEqual(refused, []);
    const later = await Promise.all(Array.from({ length: 20 }, () => ask(fleet.url)));
    for (const { status, text } of later) {
      assert.equal(status, 200);
      assert.ok(!victims.includes(Number(text)));
    }
  } finally {
    await fleet.end();
  }
});

test('PT-3 RL-65 five reloads under load lose no request, on kept and on fresh connections', async () => {
  const fleet = await startFleet(2);
  try {
    let old = await pids(fleet.url, 2);
    const crowd = new Crowd(fleet.url, { kept: 20, fresh: 20 });
    await crowd.answered(200);
    for (let round = 0; round < 5; round++) {
      const printed = fleet.program.output().length;
      fleet.program.kill('SIGHUP');
      for (;;) {
        const fresh = await pids(fleet.url, 1);
        if (!old.includes(fresh[0]!) && old.every((pid) => !lives(pid))) break;
        assert.ok(crowd.tally.lost.length === 0, crowd.tally.lost.join(' '));
      }
      assert.ok(fleet.program.output().length >= printed);
      await crowd.answered(100);
      old = await pids(fleet.url, 2);
    }
    const tally = await crowd.stop();
    assert.deepEqual(tally.lost, []);
    assert.ok(tally.answered > 1000, `answered ${tally.answered}`);
  } finally {
    await fleet.end();
  }
});

test('LC-543 RL-80 at TERM a running request gets its whole answer, new connections are refused, status 0', async () => {
  const fleet = await startFleet(2);
  try {
    const agent = new Agent({ keepAlive: true });
    const slow = ask(`${fleet.url}?ms=2000`, { agent });
    await ask(`${fleet.url}?ms=100`);
    fleet.program.kill('SIGTERM');
    for (;;) {
      const refused = await ask(fleet.url).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      );
      if (refused) break;
    }
    const answer = await slow;
    const answeredAt = performance.now();
    assert.equal(answer.status, 200);
    assert.match(answer.text, /^\d+$/);
    assert.equal(answer.headers.connection, 'close');
    assert.deepEqual(await fleet.program.ended, { code: 0, signal: null });
    assert.ok(performance.now() - answeredAt < 2000, 'the deadline of half a second, with room for a busy machine');
    assert.ok(!lives(Number(answer.text)));
    agent.destroy();
  } finally {
    await fleet.end();
  }
});

test('LC-342 workers end when their parent is gone, after the requests they have in hand', async () => {
  const fleet = await startFleet(2, 'graceful_shutdown_timeout = 5');
  try {
    const workers = await pids(fleet.url, 2);
    const slow = ask(`${fleet.url}?ms=500`);
    await ask(`${fleet.url}?ms=100`);
    fleet.program.kill('SIGKILL');
    assert.equal((await slow).status, 200);
    while (workers.some(lives)) await new Promise((settle) => setImmediate(settle));
  } finally {
    await fleet.end();
  }
});

test('LC-513 INT ends everything at once with status 1', async () => {
  const fleet = await startFleet(2);
  try {
    const workers = await pids(fleet.url, 2);
    fleet.program.kill('SIGINT');
    assert.deepEqual(await fleet.program.ended, { code: 1, signal: null });
    while (workers.some(lives)) await new Promise((settle) => setImmediate(settle));
  } finally {
    await fleet.end();
  }
});
