/** The command line and environment of `api-cli` workers, as they and others see them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ask } from './clients.js';
import { emptyProject, freePort, startProject } from './program.js';
import { pidProject } from './projects.js';

/** Responds with the facts about its process and closes the connection. */
const facts = `
export const app = () => (req, res) => {
  const { pid, argv, execArgv, env } = process;
  res.setHeader('connection', 'close');
  res.end(JSON.stringify({ pid, argv, execArgv, env }));
};
`;

interface Facts {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

test('CF-79 CF-118 workers have the same command line and environment, and no option in either', async (t) => {
  const port = await freePort();
  const files = pidProject(port, 2);
  const ini = files['portico.ini']!.replace('[DEFAULT]\n', '[DEFAULT]\nother_names = shop\n');
  const project = emptyProject({ ...files, 'portico.ini': ini, 'app.js': facts });
  const env = {
    PORTICO_DEFAULT__LOG_LEVEL: 'warn',
    PORTICO_SHOP__PASSWORD: 'hidden-in-the-environment',
    SHOP__COLOUR: 'red',
    PLAIN: 'plain',
  };
  const args = ['--set', 'rpc.transport_url=amqp://user:hidden-in-a-word@broker/', '--trace-errors'];
  const program = startProject(t, project, args, env);
  await program.printed(/^hello\b.*2 workers/m);
  const workers = new Map<string, Facts>();
  while (workers.size < 2) {
    const { text } = await ask(`http://127.0.0.1:${port}/`);
    const told = JSON.parse(text) as Facts;
    workers.set(told.env.PORTICO_WORKER_ID!, told);
  }
  const [first, second] = [workers.get('0')!, workers.get('1')!];
  assert.deepEqual(first.argv, second.argv);
  assert.ok(first.argv.includes('--trace-errors'));
  assert.deepEqual(first.execArgv, second.execArgv);
  const others = ({ env: all }: Facts) => Object.entries({ ...all, PORTICO_WORKER_ID: '' }).toSorted();
  assert.deepEqual(others(first), others(second));
  assert.equal(first.env.SHOP__COLOUR, 'red');
  assert.equal(first.env.PLAIN, 'plain');
  assert.equal(first.env.PORTICO_DEFAULT__LOG_LEVEL, undefined);
  for (const name of ['environ', 'cmdline']) {
    const text = readFileSync(`/proc/${first.pid}/${name}`, 'latin1');
    assert.doesNotMatch(text, /hidden-in|LOG_LEVEL/, name);
  }
});

test('what Node loads ahead of the application sees arguments and variables in every worker', async (t) => {
  const ahead = `
    const { env, argv } = process;
    globalThis.ahead = [env.SHOP__COLOUR, env.PORTICO_WORKER_ID, argv.slice(2)];
  `;
  const app = `export const app = () => (req, res) => res.end(JSON.stringify(globalThis.ahead));`;
  const port = await freePort();
  const project = emptyProject({ ...pidProject(port, 1), 'app.js': app, 'ahead.cjs': ahead });
  const env = { SHOP__COLOUR: 'red', NODE_OPTIONS: '--require ./ahead.cjs' };
  const program = startProject(t, project, ['--trace-errors'], env);
  await program.printed(/^hello\b.*1 worker/m);
  const { text } = await ask(`http://127.0.0.1:${port}/`);
  assert.deepEqual(JSON.parse(text), ['red', '0', ['--trace-errors']]);
});
