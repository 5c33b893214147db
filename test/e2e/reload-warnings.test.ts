/** Warnings and kept changes of a configuration after its reload: in the report, and in `api-cli status`. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { emptyProject, freePort, runApiCli, startApiCli } from './program.js';

const APP = 'export const app = () => (_req, res) => res.end();\n';
const PASTE = '[app:hello]\npaste.app_factory = ./app.js:app\n';

/** Of a file with a secret that is not its owner's alone. */
const EXPOSED = /portico\.ini:\d+:\d+: warning: \[servicegroup\] connection: this file holds a secret/;

async function served(t: TestContext, options = '') {
  const port = await freePort();
  const ini = `[DEFAULT]\n${options}[api:hello]\nport = ${port}\nworkers = 1\n`;
  const { folder, remove } = emptyProject({ 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': ini });
  const program = startApiCli([], { cwd: folder });
  t.after(async () => {
    await program.end();
    remove();
  });
  await program.printed(/"event":"ready"/);
  const cli = async (...args: string[]) => {
    const { stdout, stderr } = await runApiCli(folder, ...args);
    return stdout + stderr;
  };
  return {
    port,
    ini,
    cli,
    write: (text: string) => writeFileSync(join(folder, 'portico.ini'), text),
    mode: (mode: number) => chmodSync(join(folder, 'portico.ini'), mode),
    reload: async (...args: string[]) => JSON.parse(await cli('reload', '--json', ...args)) as ReloadReport,
  };
}

test('the report of a reload has the warnings of check, in a dry run too', async (t) => {
  const { ini, cli, write, mode, reload } = await served(t);
  write(`${ini}[servicegroup]\ndriver = memory\nconnection = postgresql://one:secret@127.0.0.1/two\n`);
  mode(0o644);
  const checked = await cli('check');
  for (const report of [await reload('--dry-run'), await reload()]) {
    assert.equal(report.outcome, 'accepted', report.error);
    const told = report.warnings.join('\n');
    for (const said of [checked, told]) assert.match(said, EXPOSED);
    assert.equal(new Set(report.warnings).size, report.warnings.length);
  }
  // A warning whose cause stays is in the report of the next reload as well.
  assert.match((await reload()).warnings.join('\n'), EXPOSED);
});

test('status lists the changes that wait for a restart, until they are taken back', async (t) => {
  const { port, ini, cli, write, reload } = await served(t);
  assert.doesNotMatch(await cli('status'), /left for/);
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
      `Changes that the last accepted reload left for a restart:\n {2}api:hello\\.port: ${port} -> ${other} \\(`,
    ),
  );
  assert.doesNotMatch(kept, /graceful_shutdown_timeout/);
  write(ini);
  await reload();
  assert.doesNotMatch(await cli('status'), /left for/);
});

test('status says that changes which a mutate has left wait for a reload', async (t) => {
  const { ini, cli, write, reload } = await served(t, 'restart_method = mutate\n');
  write(`${ini}[wsgi]\nmax_headers = 50\n`);
  await reload();
  assert.match(
    await cli('status'),
    /Changes that the last accepted reload left for a reload or a restart:\n {2}wsgi\.max_headers: \d+ -> 50 \(/,
  );
});
