/** Warnings and changes that wait for a restart, after a reload: in the report and in `api-cli status`. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { commandBeside } from '../cli/command.js';
import { emptyProject, freePort, runApiCli, startedOnce, startProject, untilFileEnds } from './program.js';

const PASTE = '[app:hello]\npaste.app_factory = ./app.js:app\n';

/** The warning about a file with a secret that others can read. */
const EXPOSED = /portico\.ini:\d+:\d+: warning: \[servicegroup\] connection: this file holds a secret/;

/** Builds of the app are recorded in a file. */
const APP = `import { appendFileSync } from 'node:fs';
export const app = (_g, _l, { isTrial }) => {
  appendFileSync('built.txt', isTrial ? 'tried ' : 'migrated ');
  return (_req, res) => res.end();
};
`;

const file = untilFileEnds();
/** A service for the tests that follow one another. */
const served = startedOnce(async () => {
  const port = await freePort();
  const ini = `[DEFAULT]\n[api:hello]\nport = ${port}\nworkers = 1\n`;
  const project = emptyProject({ 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': ini });
  const { folder } = project;
  await startProject(file, project).printed(/"event":"ready"/);
  const cli = async (...args: string[]) => {
    const { stdout, stderr } = await commandBeside(args, { cwd: folder });
    return stdout + stderr;
  };
  return {
    folder,
    port,
    ini,
    cli,
    write: (text: string) => writeFileSync(join(folder, 'portico.ini'), text),
    mode: (mode: number) => chmodSync(join(folder, 'portico.ini'), mode),
    reload: async (...args: string[]) => JSON.parse(await cli('reload', '--json', ...args)) as ReloadReport,
  };
});

test('DR-11 a factory that looks at isTrial migrates at a start and a reload, not in a check or a dry run', async () => {
  const { folder, reload } = await served();
  const taken = (): string => {
    const path = join(folder, 'built.txt');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, '');
    return text;
  };
  assert.equal(taken(), 'migrated ');
  assert.equal((await runApiCli(folder, 'check')).status, 0);
  assert.equal(taken(), 'tried ');
  // The state after is another trial; the service is described from the app that it serves.
  assert.equal((await reload('--dry-run')).outcome, 'accepted');
  assert.equal(taken(), 'tried tried ');
  assert.equal((await reload()).outcome, 'accepted');
  assert.equal(taken(), 'migrated ');
});

/** A route with a misspelt type, one that never matches, and a factory with a warning. */
const ROUTES = `import { Router } from 'portico/routing';
export const app = (_g, _l, ctx) => {
  ctx.log.warn('this app is not for everybody');
  return new Router().get('/{id:itn}', () => 1).get('/{name}', () => 2).get('/{other}', () => 3).build();
};
`;

for (const workers of [0, 1]) {
  test(`a reload with workers = ${workers} has the warnings of routes and factories that check has, and logs them only as their build does`, async (t) => {
    const ini = `${workers === 0 ? '[DEFAULT]\nworkers = 0\n' : ''}[api:hello]\nport = ${await freePort()}\n`;
    const project = emptyProject({ 'app.js': ROUTES, 'api-paste.ini': PASTE, 'portico.ini': ini });
    const { folder } = project;
    const program = startProject(t, project);
    await program.printed(/"event":"ready"/);
    const cli = async (...args: string[]) => (await commandBeside(args, { cwd: folder })).stdout;
    const heads = (text: string): string[] => [...text.matchAll(/^.*: warning: /gm)].map(([head]) => head).sort();
    const checked = heads(await cli('check'));
    assert.equal(checked.length, 3, String(checked));
    for (const args of [['--dry-run'], []]) {
      const { warnings } = JSON.parse(await cli('reload', '--json', ...args)) as ReloadReport;
      assert.deepEqual(heads(warnings.join('\n')), checked);
    }
    await program.printed(/"event":"reload"/);
    const lines = program.stderr.split('\n').filter((line) => line.includes('"level":"warn"'));
    const texts = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    assert.equal(texts.filter((text) => /warning:/.test(text)).length, 0, texts.join('\n'));
  });
}

test('status lists the changes that wait for a restart, until they are taken back', async () => {
  const { port, ini, cli, write, reload } = await served();
  assert.doesNotMatch(await cli('status'), /that wait/);
  const other = await freePort();
  write(ini.replace(`port = ${port}`, `port = ${other}`));
  await reload();
  write(
    ini
      .replace(`port = ${port}`, `port = ${other}`)
      .replace('[api:hello]', 'graceful_shutdown_timeout = 7\n[api:hello]'),
  );
  await reload();
  const kept = await cli('status');
  assert.match(
    kept,
    new RegExp(
      `Changes that wait until the service is stopped and started:\n {2}api:hello\\.port: ${port} -> ${other} \\(`,
    ),
  );
  assert.doesNotMatch(kept, /graceful_shutdown_timeout/);
  assert.match(
    await cli('restart', 'hello'),
    /1 worker replaced\nNot applied, stop the service and start it: api:hello\.port/,
  );
  write(ini);
  await reload();
  assert.doesNotMatch(await cli('status'), /that wait/);
});

test('a reload has the warnings of check in its order, each once, in a dry run too, and as long as their cause remains', async () => {
  const { folder, ini, cli, write, mode, reload } = await served();
  const unused = (name: string): string => `[filter:${name}]\npaste.filter_factory = portico/middleware:requestId\n`;
  writeFileSync(join(folder, 'api-paste.ini'), `${PASTE}${unused('two')}${unused('one')}`);
  write(`${ini}[servicegroup]\ndriver = memory\nconnection = postgresql://one:secret@127.0.0.1/two\n`);
  mode(0o644);
  const heads = (text: string): readonly string[] =>
    [...text.matchAll(/^(\S+:\d+:\d+): warning: /gm)].map(([, place]) => place!);
  const told = await cli('check');
  assert.match(told, EXPOSED);
  const checked = heads(told);
  assert.equal(checked.length, 3, String(checked));
  for (const report of [await reload('--dry-run'), await reload(), await reload()]) {
    assert.equal(report.outcome, 'accepted', report.error);
    assert.match(report.warnings.join('\n'), EXPOSED);
    assert.deepEqual(heads(report.warnings.join('\n')), checked, report.error);
  }
});
