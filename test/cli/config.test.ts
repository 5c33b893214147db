/** `api-cli config`, as an operator runs it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, startApiCli } from '../e2e/program.js';

interface Description {
  readonly groups: readonly { name: string; options: readonly { required?: boolean }[] }[];
}

async function run(args: string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  const program = startApiCli(['config', ...args], { cwd, env });
  const { code } = await program.ended;
  return { code, out: program.stdout, err: program.stderr };
}

test('CF-95 CF-118 a generated sample, uncommented whole, validates and changes nothing', async () => {
  const project = emptyProject({});
  try {
    const { out, code } = await run(['generate'], project.folder);
    assert.equal(code, 0);
    assert.match(out, /^\[api:<name>\]$/m);
    // A template's name and what has no default stay commented out.
    const plain = out.replaceAll(/^#(?=[a-z_]+ = )/gm, '').replaceAll('[api:<name>]', '[api:sample]');
    // Filters that cannot do without an option stand in no file that does not set it.
    const description = JSON.parse((await run(['generate', '--format', 'json'], project.folder)).out) as Description;
    const demanding = description.groups.filter(({ options }) => options.some(({ required }) => required));
    const sections = plain
      .split(/^(?=\[)/m)
      .filter((text) => !demanding.some(({ name }) => text.startsWith(`[${name}]`)));
    assert.ok(sections.length > 20);
    writeFileSync(join(project.folder, 'portico.ini'), sections.join(''));
    const validated = await run(['validate'], project.folder);
    assert.deepEqual([validated.code, validated.err], [0, '']);
    const changed = await run(['show', '--changed', '--json'], project.folder);
    assert.deepEqual((JSON.parse(changed.out) as { options: unknown[] }).options, []);
  } finally {
    project.remove();
  }
});

test('CF-97 validate names every mistake with its place, and ends with 78', async () => {
  const project = emptyProject({ 'portico.ini': '[DEFAULT]\nenabled_api = x\n\n[wsgi]\nmax_headers = many\n' });
  try {
    const { code, err } = await run(['validate'], project.folder);
    assert.equal(code, 78);
    assert.match(
      err,
      /portico\.ini:2:1: error: \[DEFAULT\] enabled_api: unknown option\n {2}did you mean 'enabled_apis'/,
    );
    assert.match(err, /portico\.ini:5:15: error: \[wsgi\] max_headers: should be an integer; got many/);
    const json = await run(['validate', '--json'], project.folder);
    assert.equal(json.code, 78);
    assert.equal((JSON.parse(json.out) as { issues: unknown[] }).issues.length, 2);
  } finally {
    project.remove();
  }
});

test('CF-98 show tells a value, where it comes from and what it shadows, and masks secrets', async () => {
  const project = emptyProject({
    'portico.ini': '[api:hello]\nport = 8080\n\n[database]\nconnection = postgresql://me:hunter2@db/x\n',
  });
  try {
    const shown = await run(['show', 'hello.port', '--set', 'api:hello.port=9090'], project.folder);
    assert.match(
      shown.out,
      /^\[api:hello\] port = 9090 {2}\(command line, argument 1\)\n {4}shadows 8080 {2}\(portico\.ini:2:8\)$/m,
    );
    const all = await run(['show'], project.folder);
    assert.doesNotMatch(all.out, /hunter2/);
    assert.match(all.out, /\[database\] connection = /);
    const wrong = await run(['show', 'hello.prot'], project.folder);
    assert.equal(wrong.code, 2);
  } finally {
    project.remove();
  }
});

test('CF-99 CF-100 diff compares two files; upgrade rewrites deprecated names', async () => {
  const project = emptyProject({
    'a.ini': '[wsgi]\nkeep_alive_timeout = 10\n',
    'b.ini': '[DEFAULT]\ntcp_keepidle = 100\n',
  });
  try {
    const { out } = await run(['diff', 'a.ini', 'b.ini'], project.folder);
    assert.match(out, /^\[wsgi\] keep_alive_timeout: 10 -> 65/m);
    assert.match(out, /^\[wsgi\] tcp_keepidle: 600 -> 100 {2}\(b\.ini:2:16\)$/m);
    const upgraded = await run(['upgrade', 'b.ini', '--write'], project.folder);
    assert.match(upgraded.out, /^b\.ini:2: \[DEFAULT\] tcp_keepidle -> \[wsgi\] tcp_keepidle$/m);
    assert.match(readFileSync(join(project.folder, 'b.ini'), 'utf8'), /\[wsgi\]\ntcp_keepidle = 100/);
  } finally {
    project.remove();
  }
});
