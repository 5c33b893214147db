/** Several workers on one port. Tests of their kills, reloads and stops under load are in `faults/`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from './clients.js';
import { emptyProject, freePort, type Program, startApiCli } from './program.js';
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

/** Sends requests on fresh connections until this many processes have responded. */
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
