/** The layout of the shipped unit file: the configuration in one folder, the application and its packages in another. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { freePort, Program, root } from './program.js';

/** Creates `/etc/portico` and `/opt/portico` below one folder, with Portico installed as `npm install` does. */
function layout(): { readonly etc: string; readonly opt: string; readonly main: string; readonly state: string } {
  const folder = temporaryFolder('portico-layout-');
  const [etc, opt, state] = ['etc/portico', 'opt/portico', 'var/lib/portico'].map((path) => join(folder, path)) as [
    string,
    string,
    string,
  ];
  const modules = join(opt, 'node_modules');
  for (const path of [etc, state, join(modules, 'portico')]) mkdirSync(path, { recursive: true });
  cpSync(join(root, 'lib'), join(modules, 'portico', 'lib'), { recursive: true });
  cpSync(join(root, 'package.json'), join(modules, 'portico', 'package.json'));
  installDependencies(modules);
  return { etc, opt, state, main: join(folder, unitProgram()) };
}

/** The application that the unit file starts, as a path below the root of the file system. */
function unitProgram(): string {
  const unit = readFileSync(join(root, 'paste', 'portico.service'), 'utf8');
  return /^ExecStart=.* \/(opt\/portico\/\S+\.js) /m.exec(unit)?.[1] ?? 'no program in the unit file';
}

/** Links the packages that Portico depends on. */
function installDependencies(modules: string): void {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  // The fallback for Node 20, which has no built-in SQLite.
  for (const name of [...Object.keys(dependencies), '@photostructure/sqlite']) {
    if (!existsSync(join(root, 'node_modules', name))) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'dir');
  }
}

function start(place: ReturnType<typeof layout>, args: readonly string[]): Program {
  return new Program(process.execPath, [place.main, ...args], {
    cwd: place.opt,
    env: { PORTICO_DEFAULT__STATE_PATH: place.state },
  });
}

test('LC-910 the files that ship start in the layout that the unit file describes', async (t) => {
  const place = layout();
  const [compute, metadata] = [await freePort(), await freePort()];
  const app = join(place.opt, 'compute');
  cpSync(join(root, 'examples', 'compute', 'dist'), app, { recursive: true });
  writeFileSync(join(app, 'package.json'), '{ "type": "module" }\n');
  for (const name of ['portico.ini', 'api-paste.ini']) {
    const text = readFileSync(join(root, 'paste', name), 'utf8');
    writeFileSync(join(place.etc, name), text.replaceAll('../examples/compute/dist/', `${app}/`));
  }
  const config = ['--config-file', join(place.etc, 'portico.ini')];
  const sets = [`compute.port=${compute}`, `metadata.port=${metadata}`, 'compute.workers=1', 'metadata.workers=1'];
  const program = start(place, [...config, ...sets.flatMap((set) => ['--set', `api:${set}`])]);
  t.after(() => program.end());
  await program.printed(/^compute +http/m);
  await program.printed(/^metadata +http/m);
  assert.equal((await fetch(`http://127.0.0.1:${compute}/`)).status, 200);
  await program.stop();
  const check = start(place, ['check', ...config]);
  t.after(() => check.end());
  assert.equal((await check.ended).code, 0, check.output());
});

test('PD-100 a package of the application is found from a configuration elsewhere: factories, egg:, managers', async (t) => {
  const place = layout();
  const own = join(place.opt, 'node_modules', 'acme-hello');
  mkdirSync(own);
  writeFileSync(
    join(own, 'package.json'),
    JSON.stringify({
      name: 'acme-hello',
      type: 'module',
      exports: './index.js',
      portico: { 'paste.app_factory': { main: './index.js:app' } },
    }),
  );
  writeFileSync(
    join(own, 'index.js'),
    "export const app = () => (req, res) => res.end('hello');\nexport class Manager { initHost() {} }\n",
  );
  const port = await freePort();
  const ini = (manager: string): string =>
    `[DEFAULT]\nenabled_apis = hello,egg\n[api:hello]\nport = ${port}\nmanager = ${manager}\nworkers = 1\n[api:egg]\nport = 0\nworkers = 1\n`;
  writeFileSync(
    join(place.etc, 'api-paste.ini'),
    '[app:hello]\npaste.app_factory = acme-hello:app\n[app:egg]\nuse = egg:acme-hello#main\n',
  );
  const path = join(place.etc, 'portico.ini');
  writeFileSync(path, ini('acme-hello:Manager'));
  const program = start(place, ['--config-file', path]);
  t.after(() => program.end());
  await program.printed(/^egg +http/m);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'hello');
  await program.stop();

  writeFileSync(path, ini('acme-helo:Manager'));
  const refused = start(place, ['--config-file', path]);
  t.after(() => refused.end());
  assert.equal((await refused.ended).code, 78, refused.output());
  for (const looked of [place.etc, place.opt, 'acme-helo']) {
    assert.ok(refused.stderr.includes(looked), `${looked} in ${refused.stderr}`);
  }
});
