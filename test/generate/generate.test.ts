/** The deployment files of `api-cli generate`, checked by the tools that read them. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Deployment } from '../../dist/extras/generate/deployment.js';
import { wronglyCopied } from '../../dist/extras/generate/docker.js';
import { command } from '../cli/command.js';
import { emptyProject, root } from '../e2e/program.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { exposureOf, securityMissing, systemdMissing, verifyUnit } from '../launch/systemd/verify-unit.js';
import { makePair } from '../server/certificate-files.js';

const PASTE = `[composite:hello]
use = portico/loader:urlmap
/: app
/status: healthcheck
[app:app]
paste.app_factory = ./app.js:factory
[app:healthcheck]
paste.app_factory = portico/middleware:healthcheck
`;
/** Responds after a delay and leaves a separate process behind. */
const APP = `import { spawn } from 'node:child_process';
export const factory = () => (req, res) => {
  spawn('sh', ['-c', 'sleep 0.1 & exit 0']).on('exit', () => setTimeout(() => res.end('hello'), 300));
};
`;
const KINDS = ['systemd', 'kubernetes', 'docker', 'nginx', 'logrotate'];

/** A project with one API, with a function that runs `api-cli generate` in it. */
function generating(options: { readonly defaults?: string; readonly api?: string; readonly more?: string } = {}) {
  const { defaults = '', api = 'port = 8080', more = '' } = options;
  const ini = `[DEFAULT]\nenabled_apis = hello\n${defaults}\n[api:hello]\nworkers = 1\n${api}\n${more}\n`;
  const project = emptyProject({ 'portico.ini': ini, 'api-paste.ini': PASTE, 'app.js': APP });
  // A name other than that of the API, which has directories too.
  const run = (...words: string[]) => command(['generate', '--name', 'portico', ...words], { cwd: project.folder });
  return Object.assign(run, { folder: project.folder });
}

function written(run: ReturnType<typeof generating>, kind: string): string {
  const { status, stdout, stderr } = run(kind);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** The access that the user of the service lacks in the project according to `generate systemd`, each with its hint. */
function unreadable(run: ReturnType<typeof generating>, ...words: string[]): (readonly [what: string, hint: string])[] {
  const { stderr } = run('systemd', ...words);
  const told = [...stderr.matchAll(/the user of the service may not (.*)\n\s*(?:hint: )?(.*)/g)];
  return told.map(([, what, hint]) => [what!, hint!] as const).filter(([what]) => what.includes(run.folder));
}

const isInstalled = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

test('generate kubernetes warns of a database that no two pods share, at its option, and of none that they share', () => {
  const app = `import { sqliteConnection } from 'portico/app';
import { defineOptions } from 'portico/config';
export const options = defineOptions('books', { connection: sqliteConnection({ default: 'sqlite:///books.db' }) });
`;
  const said = (more: string) => {
    const run = generating({ more });
    writeFileSync(join(run.folder, 'app.js'), app + APP);
    const { status, stdout, stderr } = run('kubernetes');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^kind: Deployment$/m);
    return stderr;
  };
  const warning = 'each pod has its own file of SQLite, which ends with the pod';
  const hint = 'Use PostgreSQL for what must stay, or one replica with a PersistentVolumeClaim.';
  const own = `warning: [books] connection: ${warning}\n  ${hint}\n`;
  assert.equal(said(''), own);
  const both = said('[database]\nconnection = sqlite:////var/lib/x/reg.db\n[books]\nconnection = sqlite:///b.db');
  assert.match(both, /^portico\.ini:8:14: warning: \[database\] connection: each pod /m);
  assert.match(both, /^portico\.ini:10:14: warning: \[books\] connection: each pod /m);
  assert.equal(said('[books]\nconnection = sqlite://:memory:'), '');
});

test('generate kubernetes warns of each database in a section of the paste file, in the order of files and lines', () => {
  const app = `import { appFactory, sqliteConnection } from 'portico/app';
import { defineOptions } from 'portico/config';
const options = defineOptions({ db: sqliteConnection({ default: 'sqlite:///books.db' }) });
export const shelf = appFactory('shelf', options, () => (req, res) => res.end());
export const plain = () => (req, res) => res.end();
`;
  const sections = (db: string): string => `[composite:hello]
use = portico/loader:urlmap
/: books_app
/more: more_app
/plain: plain_app
[app:books_app]
paste.app_factory = ./app.js:shelf
db = sqlite:////data/paste.db
[app:plain_app]
paste.app_factory = ./app.js:plain
file = sqlite:////data/plain.db
[app:more_app]
paste.app_factory = ./app.js:shelf
${db}`;
  const run = generating({ more: '[shelf]\ndb = sqlite:////data/own.db' });
  writeFileSync(join(run.folder, 'app.js'), app);
  const warned = (db: string): (readonly string[])[] => {
    writeFileSync(join(run.folder, 'api-paste.ini'), sections(db));
    const { status, stderr } = run('kubernetes');
    assert.equal(status, 0, stderr);
    const all = stderr.matchAll(/^(\S+): warning: (\[.*\] \w+): each pod has its own file of SQLite/gm);
    return [...all].map(([, location, option]) => [location!, option!]);
  };
  const own = ['portico.ini:8:6', '[shelf] db'];
  const paste = [
    ['api-paste.ini:8:6', '[app:books_app] db'],
    ['api-paste.ini:11:8', '[app:plain_app] file'],
  ];
  assert.deepEqual(warned(''), [own, ...paste], 'one section has the value of the configuration');
  const more = ['api-paste.ini:14:6', '[app:more_app] db'];
  assert.deepEqual(warned('db = sqlite:////data/more.db\n'), [...paste, more], 'none has it');
  assert.deepEqual(warned('db = sqlite://:memory:\n'), paste);
});

test('OP-15 the unit passes systemd-analyze verify', { skip: systemdMissing }, () => {
  const run = generating({ defaults: 'graceful_shutdown_timeout = 0', api: 'listen = unix:/run/hello/api.sock' });
  const unit = written(run, 'systemd');
  assert.match(unit, /^RuntimeDirectory=portico hello$/m);
  assert.match(unit, /^TimeoutStopSec=infinity$/m);
  const file = join(run.folder, 'portico.service');
  writeFileSync(file, unit);
  assert.deepEqual(verifyUnit(file), { status: 0, complaints: [] });
});

test('AU-6 a unit has no rights that a service does not need: systemd-analyze security', {
  skip: securityMissing,
}, () => {
  const run = generating();
  const file = join(run.folder, 'portico.service');
  writeFileSync(file, written(run, 'systemd'));
  for (const unit of [file, join(root, 'paste', 'portico.service')]) assert.ok(exposureOf(unit) < 2.5, unit);
});

test('AU-6 a unit has the capability of ports below 1024 for one of them', () => {
  const run = generating();
  assert.match(written(run, 'systemd'), /^CapabilityBoundingSet=$/m);
  const low = generating({ api: 'port = 443' });
  const unit = written(low, 'systemd');
  const lines = unit.split('\n').filter((line) => line.includes('CAP_'));
  assert.deepEqual(lines, ['AmbientCapabilities=CAP_NET_BIND_SERVICE', 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE']);
});

test('OP-15 paths with signs that mean something stay what they are in each file', () => {
  const odd = `a b%;$(id)"'c`;
  const run = generating({
    defaults: `state_path = /srv/${odd}/state`,
    api: `listen = unix:/run/${odd}/api.sock`,
  });
  const [unit, docker, server] = ['systemd', 'docker', 'nginx'].map((kind) => written(run, kind));
  const inUnit = `a b%%;$(id)\\"'c`;
  assert.ok(unit!.includes(`RuntimeDirectory=portico "${inUnit}"\n`), unit);
  assert.ok(unit!.includes(`ReadWritePaths="/srv/${inUnit}/state"\n`), unit);
  assert.ok(server!.includes(`server "unix:/run/a b%;$(id)\\"'c/api.sock";`), server);
  const [, command = ''] = /^RUN (mkdir -p .*)$/m.exec(docker!) ?? [];
  const { stdout } = spawnSync(
    'sh',
    ['-c', `mkdir() { printf %s "$2"; }; chown() { :; }; chmod() { :; }; ${command}`],
    { encoding: 'utf8' },
  );
  assert.equal(stdout, `/srv/${odd}/state`);
  assert.doesNotMatch(docker!, /STATE_PATH/);
});

test('OP-15 the unit lets the service write to each path that the configuration names', () => {
  const run = generating({
    defaults: 'log_file = /var/log/shop/api.log\nstate_path = var',
    more: '[database]\nconnection = sqlite:////srv/data/reg.db\n[oslo_reports]\nlog_dir = /var/lib/shop/reports\n[control]\nsocket = /run/shop/control.sock',
  });
  const unit = written(run, 'systemd');
  const said = (directive: string): string => new RegExp(`^${directive}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
  assert.equal(said('LogsDirectory'), 'shop');
  assert.equal(said('RuntimeDirectory'), 'portico shop');
  assert.equal(said('StateDirectory'), 'portico shop/reports');
  assert.equal(said('ReadWritePaths'), '/srv/data');
  assert.match(said('ExecStartPre'), /^\+\/bin\/sh -c .* sh \/srv\/data$/);
  assert.equal(said('Environment'), 'NODE_ENV=production PORTICO_DEFAULT__STATE_PATH=/var/lib/portico');
  assert.match(said('ExecReload'), / reload --config-file .*portico\.ini$/);
  const file = join(run.folder, 'portico.service');
  writeFileSync(file, unit);
  if (systemdMissing === false) assert.deepEqual(verifyUnit(file), { status: 0, complaints: [] });
});

/** Words of a command in a unit: blanks divide, quotes hold together. */
const unitWords = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    (quoted ?? plain!).replaceAll(/\\(.)/g, '$1').replaceAll('$$', '$'),
  );

test('AT-5 root gives the service no directory behind a link of the service', {
  skip: process.getuid?.() !== 0 && 'only root gives files away',
}, () => {
  const run = generating({
    defaults: 'state_path = /srv/hello\nlog_file = /srv/hello/logs/api.log',
    more: '[oslo_reports]\nlog_dir = /srv/locks',
  });
  const unit = written(run, 'systemd');
  const [made, ...inner] = [...unit.matchAll(/^ExecStartPre=(.*)$/gm)].map(([, line]) => unitWords(line!));
  assert.deepEqual(made!.slice(-2), ['/srv/hello', '/srv/locks']);
  // The directory inside is made without root's rights.
  assert.deepEqual(inner, [['/bin/mkdir', '-p', '/srv/hello/logs']]);
  assert.match(unit, /^ReadWritePaths=\/srv\/hello \/srv\/locks$/m);
  const file = join(run.folder, 'portico.service');
  writeFileSync(file, unit);

  const at = temporaryFolder('portico-unit-');
  const service = 65_534;
  for (const name of ['run', 'run/portico', 'etc', 'srv']) mkdirSync(join(at, name));
  lchownSync(join(at, 'run/portico'), service, service);
  // Of the two directories, one is a link. The other has one inside, which the service, its owner, can put there.
  mkdirSync(join(at, 'srv/hello'));
  symlinkSync(join(at, 'etc'), join(at, 'srv/hello/logs'));
  symlinkSync(join(at, 'etc'), join(at, 'srv/locks'));
  const [shell, ...words] = made!.map((word) => word.replaceAll(/(?=\/(?:srv|run)\/)/g, at));
  assert.equal(spawnSync(shell!.replace('+', ''), words).status, 0);
  const owner = (path: string): number => lstatSync(join(at, path)).uid;
  assert.deepEqual([owner('srv/hello'), owner('etc'), owner('srv')], [service, 0, 0]);
});

test('AT-12 a line break in a path is refused at its line, and in a folder by each file that would have it', () => {
  const line = '/srv/x\n  ExecStartPre=+/bin/sh';
  const values: readonly (readonly [option: string, settings: Parameters<typeof generating>[0], line: number])[] = [
    ['[DEFAULT] log_file', { defaults: `log_file = ${line}` }, 3],
    ['[DEFAULT] state_path', { defaults: `state_path = ${line}` }, 3],
    ['[control] socket', { more: `[control]\nsocket = ${line}` }, 8],
    ['[api:hello] listen', { api: `listen = unix:${line}` }, 6],
  ];
  for (const [option, settings, at] of values) {
    const run = generating(settings);
    for (const words of [['check'], ...KINDS.map((kind) => ['generate', kind])]) {
      const { status, stdout, stderr } = command(words, { cwd: run.folder });
      // A file without the value does not read it.
      if (status === 0 && !['check', 'systemd'].includes(words.at(-1)!))
        assert.doesNotMatch(stdout, /srv/, words.join());
      else if (!stderr.startsWith('log_file is not set')) {
        const said = stdout + stderr;
        assert.ok(
          status !== 0 && said.includes(`portico.ini:${at}:`) && said.includes(option),
          `${words.join()}: ${said}`,
        );
        assert.match(said, option === '[control] socket' ? /should match .*\\P\{Cc\}/ : /without a line break/);
      }
    }
  }
  const project = emptyProject({});
  const folder = join(project.folder, 'a\nUser=root');
  renameSync(generating({ defaults: 'log_file = log/api.log\nstate_path = var' }).folder, folder);
  for (const kind of ['systemd', 'nginx', 'logrotate', 'docker', 'kubernetes']) {
    const { status, stdout, stderr } = command(['generate', kind], { cwd: folder });
    // Of these, docker and kubernetes do not have the folder in the file.
    if (status === 0) assert.doesNotMatch(stdout, /^User=root/m, kind);
    else assert.match(stderr, /would have a line break in the middle: .*a\\nUser=root/, kind);
    assert.ok(status !== 0 || kind !== 'systemd', stdout);
  }
});

test('OP-15 a path that no unit can make writable is warned of', () => {
  const run = generating({ api: 'listen = unix:/run/api.sock' });
  const { status, stderr } = run('systemd');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /\[api:hello\] listen may not be writable.* \/run\n.*below \/run\/portico/s);
});

test('OP-15 a file that the user of the unit may not read is warned of', () => {
  const run = generating();
  const told = (...words: string[]): readonly string[] => unreadable(run, ...words).map(([what]) => what);
  chmodSync(run.folder, 0o700);
  assert.deepEqual(told(), [`enter ${run.folder}: its mode is 0700`]);
  chmodSync(run.folder, 0o755);
  assert.deepEqual(told(), []);
  const file = join(run.folder, 'portico.ini');
  chmodSync(file, 0o640);
  const [[what, hint] = []] = unreadable(run);
  assert.equal(what, `read ${file}: its mode is 0640`);
  assert.match(hint!, /^Run chmod o\+r on it, unless it protects secrets\. Or write User= and Group=/);
  const folder = join(run.folder, 'conf');
  mkdirSync(folder);
  writeFileSync(join(folder, 'more.conf'), '[wsgi]\nkeep_alive_timeout = 20\n');
  const words = ['--config-file', file, '--config-dir', folder];
  chmodSync(file, 0o644);
  chmodSync(folder, 0o711);
  assert.deepEqual(told(...words), [`list ${folder}: its mode is 0711`]);
  chmodSync(folder, 0o755);
  assert.deepEqual(told(...words), []);
});

test('OP-15 a file with secrets that the user of the unit may not read stays closed to others', async () => {
  const run = generating({ more: '[ssl]\ncert_file = c.pem\nkey_file = k.pem\n' });
  chmodSync(run.folder, 0o755);
  const { cert, key } = await makePair();
  writeFileSync(join(run.folder, 'c.pem'), cert);
  const secret = join(run.folder, 'k.pem');
  writeFileSync(secret, key, { mode: 0o600 });
  const stays = (path: string, what: string, ...words: string[]): void => {
    const [[told, hint] = [], ...others] = unreadable(run, ...words);
    assert.deepEqual([told, others], [`${what} ${path}: its mode is ${what === 'enter' ? '0700' : '0600'}`, []]);
    assert.doesNotMatch(hint!, /chmod/);
    assert.match(hint!, /^Keep it closed to others.*write User= and Group= .* instead of DynamicUser=yes/i);
  };
  stays(secret, 'read');
  chmodSync(run.folder, 0o700);
  stays(run.folder, 'enter');
  chmodSync(run.folder, 0o755);
  chmodSync(secret, 0o644);
  const written = join(run.folder, 'secrets.ini');
  writeFileSync(written, '[keystone_authtoken]\npassword = hidden-word\n', { mode: 0o600 });
  stays(written, 'read', '--config-file', join(run.folder, 'portico.ini'), '--config-file', written);
});

test('OP-15 a directory above the target of a link is among those that the user of the unit has to enter', () => {
  const run = generating();
  chmodSync(run.folder, 0o755);
  const closed = join(run.folder, 'closed');
  mkdirSync(join(closed, 'conf'), { recursive: true });
  const file = join(run.folder, 'portico.ini');
  renameSync(file, join(closed, 'conf', 'portico.ini'));
  symlinkSync('closed/conf', join(run.folder, 'current'));
  symlinkSync('current/portico.ini', file);
  assert.deepEqual(unreadable(run), []);
  chmodSync(closed, 0o700);
  assert.deepEqual(
    unreadable(run).map(([what]) => what),
    [`enter ${closed}: its mode is 0700`],
  );
});

test('OP-15 a secret of the command line goes into no deployment file', () => {
  const run = generating();
  for (const kind of ['systemd', 'docker', 'kubernetes']) {
    const { status, stdout, stderr } = run(kind, '--set', 'keystone_authtoken.password=hidden-word');
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(
      stderr,
      /--set keystone_authtoken\.password=\*\*\*\* is a secret.*\n\s*Write it in a configuration file/s,
    );
    assert.doesNotMatch(stderr, /hidden-word/);
  }
  assert.match(run('systemd', '--set', 'api:hello.workers=2').stdout, /--set api:hello\.workers=2/);
});

test('OP-15 CF-95 the files that ship have no error, nor anything that looks like one', () => {
  const files = ['--config-file', 'paste/portico.ini'];
  const { status, stdout } = command(['check', ...files, '--format', 'github'], { cwd: root });
  // Another process on this machine may use a port; and a start says of the samples, too, that noauth is on and that they have no secret.
  const expected =
    /PORTICO_ADDRESS_TAKEN|PORTICO_FACTORY_WARNING::(?:noauth is on|\[api:metadata\] proxy_secret is not set)/;
  const found = stdout.split('\n').filter((line) => line !== '' && !expected.test(line));
  assert.deepEqual([status, found], [0, []]);
});

test('OP-15 nginx takes the proxy: a unix socket, TLS', {
  skip: !isInstalled('nginx') && 'nginx is not installed',
}, () => {
  const run = generating({ api: 'listen = unix:/run/hello/api.sock' });
  const server = written(run, 'nginx');
  // $host contains no port.
  for (const header of ['Host', 'X-Forwarded-Host']) assert.ok(server.includes(`${header} $host$portico_port;`));
  const file = join(run.folder, 'nginx.conf');
  writeFileSync(file, `pid ${run.folder}/pid; error_log stderr; events {} http { access_log off; ${server} }`);
  const { status, stderr } = spawnSync('nginx', ['-t', '-c', file], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Asserts that the keys at a path are known to the Kubernetes API, which refuses others, and that the keys with `!` are present. */
function assertKeys(value: unknown, place: string, known: string): void {
  const keys = Object.keys(value as object);
  const words = known.split(' ');
  for (const key of keys) assert.ok(words.includes(key) || words.includes(`${key}!`), `${place} has no ${key}`);
  for (const word of words.filter((each) => each.endsWith('!')))
    assert.ok(keys.includes(word.slice(0, -1)), `${place}.${word}`);
}

test('OP-15 the manifests have what the API of Kubernetes requires, and nothing that it does not know', () => {
  const run = generating({ more: '[admin]\nlisten = 0.0.0.0:9100\nallow_remote = yes' });
  const documents = parseAllDocuments(written(run, 'kubernetes'), { strict: true, uniqueKeys: true });
  assert.deepEqual(
    [...documents].flatMap(({ errors }) => errors),
    [],
  );
  const [deployment, service, budget] = [...documents].map((each) => each.toJS() as Manifest);
  for (const each of [deployment!, service!, budget!]) {
    assertKeys(each, each.kind, 'apiVersion! kind! metadata! spec!');
    assertKeys(each.metadata, 'metadata', 'name! labels');
  }
  assert.deepEqual(
    [deployment!.apiVersion, deployment!.kind, service!.apiVersion, service!.kind],
    ['apps/v1', 'Deployment', 'v1', 'Service'],
  );
  assertKeys(deployment!.spec, 'spec', 'replicas selector! template!');
  const { selector, template } = deployment!.spec as {
    selector: { matchLabels: object };
    template: { metadata: { labels: object }; spec: Record<string, unknown> };
  };
  assert.deepEqual(selector.matchLabels, template.metadata.labels, 'a selector has to match its template');
  assert.deepEqual(service!.spec.selector, template.metadata.labels);
  assertKeys(
    template.spec,
    'pod',
    'automountServiceAccountToken! terminationGracePeriodSeconds securityContext containers! volumes!',
  );
  assert.equal(template.spec.automountServiceAccountToken, false);
  assert.equal(template.spec.terminationGracePeriodSeconds, 65);
  assertKeys(template.spec.securityContext, 'pod security', 'runAsNonRoot runAsUser fsGroup seccompProfile!');
  const [container] = template.spec.containers as Record<string, unknown>[];
  assertKeys(
    container,
    'container',
    'name! image! securityContext env resources! ports startupProbe readinessProbe livenessProbe volumeMounts!',
  );
  // The root file system is read-only: every written directory of the image is a volume.
  const directories = ['/tmp', '/var/lib/portico', '/run/portico'];
  // A layer would keep the cache.
  assert.match(written(run, 'docker'), /^RUN npm ci --omit=dev && npm cache clean --force$/m);
  assert.ok(written(run, 'docker').includes(`RUN mkdir -p ${directories.slice(1).join(' ')} `));
  assert.equal((container!.securityContext as Record<string, unknown>).readOnlyRootFilesystem, true);
  const volumes = directories.map((mountPath, at) => ({ name: `written-${at}`, mountPath }));
  assert.deepEqual(container!.volumeMounts, volumes);
  assert.deepEqual(
    template.spec.volumes,
    volumes.map(({ name }) => ({ name, emptyDir: {} })),
  );
  assert.deepEqual(container!.resources, {
    requests: { cpu: '250m', memory: '256Mi' },
    limits: { memory: '896Mi' },
  });
  assert.deepEqual(container!.env, [{ name: 'PORTICO_DEFAULT__DRAIN_DELAY', value: '6' }]);
  assert.deepEqual(container!.ports, [
    { name: 'hello', containerPort: 8080 },
    { name: 'admin', containerPort: 9100 },
  ]);
  for (const kind of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const probe = container![kind] as { httpGet: Record<string, unknown> };
    assertKeys(probe, kind, 'httpGet! periodSeconds timeoutSeconds failureThreshold');
    assertKeys(probe.httpGet, `${kind}.httpGet`, 'path port! scheme');
    const { httpGet, ...times } = probe;
    for (const time of Object.values(times)) assert.ok(Number.isInteger(time) && Number(time) >= 1, kind);
    assert.match(String(httpGet.scheme), /^HTTPS?$/);
    assert.equal(probe.httpGet.port, 9100);
    assert.equal(probe.httpGet.path, kind === 'livenessProbe' ? '/healthz' : '/readyz');
  }
  assertKeys(budget!.spec, 'budget', 'maxUnavailable! selector!');
  assertKeys(service!.spec, 'service', 'selector ports!');
  assert.deepEqual(service!.spec.ports, [{ name: 'hello', port: 8080, targetPort: 'hello' }]);
});

test('OP-15 without a listener that a kubelet reaches the manifest opens one for probes and metrics alone', () => {
  for (const more of ['', '[admin]\nlisten = 127.0.0.1:9100']) {
    const run = generating({ more });
    const manifest = written(run, 'kubernetes');
    assert.match(manifest, /- \{ name: PORTICO_ADMIN__METRICS_LISTEN, value: "0\.0\.0\.0:9101" \}/);
    for (const kind of ['startup', 'readiness', 'liveness'])
      assert.match(manifest, new RegExp(`${kind}Probe: \\{ httpGet: \\{ path: /\\w+, port: 9101, scheme: HTTP`));
    assert.doesNotMatch(manifest.slice(manifest.indexOf('kind: Service')), /metrics|9101/);
  }
  const open = generating({ more: '[admin]\nmetrics_listen = 0.0.0.0:9200' });
  assert.match(written(open, 'kubernetes'), /readinessProbe: \{ httpGet: \{ path: \/readyz, port: 9200/);
  assert.match(written(open, 'docker'), /^EXPOSE 8080 9200$/m);
});

test('OP-15 what is generated is named after the first API, or by --name: two in one place share nothing', () => {
  const project = emptyProject({
    'portico.ini':
      '[DEFAULT]\nenabled_apis = Shop_API, other\nlog_file = api.log\n[api:Shop_API]\nport = 1\n[api:other]\nport = 2\n',
    'api-paste.ini': PASTE.replaceAll('hello', 'Shop_API').concat(
      '[app:other]\npaste.app_factory = ./app.js:factory\n',
    ),
    'app.js': APP,
  });
  const print = (...words: string[]): string => {
    const { status, stdout, stderr } = command(['generate', ...words], { cwd: project.folder });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  for (const [words, name] of [
    [[], 'shop-api'],
    [['--name', 'books'], 'books'],
  ] as const) {
    const unit = print('systemd', ...words);
    for (const directive of ['RuntimeDirectory', 'StateDirectory', 'LogsDirectory'])
      assert.match(unit, new RegExp(`^${directive}=${name}$`, 'm'));
    assert.match(print('socket', '--api', 'other', ...words), new RegExp(`^Service=${name}\\.service$`, 'm'));
    assert.match(print('logrotate', ...words), new RegExp(`--kill-who=main ${name}\\.service`));
    assert.match(print('docker', ...words), new RegExp(`docker build --tag ${name} `));
    const documents = parseAllDocuments(print('kubernetes', ...words)).map((each) => each.toJS() as Manifest);
    const labels = { 'app.kubernetes.io/name': name };
    for (const { metadata } of documents) assert.equal(metadata.name, name);
    const { selector, template } = documents[0]!.spec as {
      selector: { matchLabels: object };
      template: { metadata: object; spec: { containers: { name: string; image: string }[] } };
    };
    assert.deepEqual([selector.matchLabels, template.metadata], [labels, { labels }]);
    const [container] = template.spec.containers;
    assert.deepEqual([container!.name, container!.image], [name, `${name}:latest`]);
    assert.deepEqual(documents[1]!.spec.selector, labels);
  }
  const refused = command(['generate', 'systemd', '--name', '../x'], { cwd: project.folder });
  assert.match(refused.stderr, /--name \.\.\/x: a name has lower-case letters, digits and hyphens/);
  assert.notEqual(refused.status, 0);
});

test('a file begins with the command that prints it again, with all that was asked for', () => {
  const { folder } = generating({
    defaults: 'log_file = api.log',
    more: '[api:other]\nport = 81\n',
  });
  const print = (...words: string[]): string => command(['generate', ...words], { cwd: folder }).stdout;
  for (const words of [
    ...KINDS.map((kind) => [kind]),
    ['systemd', '--name', 'books'],
    ['socket', '--name', 'books', '--api', 'hello'],
    ['kubernetes', '--with', 'scraping', '--with', 'one-process'],
  ]) {
    const file = print(...words);
    const [, again] = /^# .* api-cli generate (.*) \| diff FILE -\n/.exec(file)!;
    assert.deepEqual(again!.split(' ').toSorted(), words.toSorted());
    assert.equal(print(...again!.split(' ')), file);
  }
});

test('OP-15 a pod has one process without workers when it is asked for, or configured', () => {
  const run = generating();
  const { status, stdout, stderr } = run('kubernetes', '--with', 'one-process');
  assert.equal(status, 0, stderr);
  const configured = generating({ defaults: 'workers = 0' })('kubernetes').stdout;
  for (const text of [stdout, configured]) {
    const [deployment] = parseAllDocuments(text).map((each) => each.toJS() as Manifest);
    const { template } = deployment!.spec as { template: { spec: { containers: object[] } } };
    const { env, resources } = template.spec.containers[0] as {
      env: { name: string; value: string }[];
      resources: object;
    };
    const workers = env.filter(({ name }) => name.endsWith('__WORKERS'));
    assert.deepEqual(workers, text === stdout ? [{ name: 'PORTICO_DEFAULT__WORKERS', value: '0' }] : []);
    assert.deepEqual(resources, { requests: { cpu: '250m', memory: '128Mi' }, limits: { memory: '256Mi' } });
    assert.doesNotMatch(text, /The parent replaces/);
  }
});

test('RO-2 a manifest has a disruption budget for its replicas: a drain of nodes evicts one pod at a time', () => {
  const run = generating();
  for (const words of [[], ['--with', 'one-process']]) {
    const documents = parseAllDocuments(run('kubernetes', ...words).stdout).map((each) => each.toJS() as Manifest);
    const [deployment, , budget] = documents;
    const { replicas, selector } = deployment!.spec as { replicas: number; selector: object };
    assert.equal(replicas, 2);
    assert.deepEqual(
      [budget!.apiVersion, budget!.kind, budget!.metadata.name, budget!.spec],
      ['policy/v1', 'PodDisruptionBudget', 'portico', { maxUnavailable: 1, selector }],
    );
  }
});

test('OP-15 annotations for Prometheus with metrics enabled are printed when asked for', () => {
  const run = generating();
  assert.doesNotMatch(written(run, 'kubernetes'), /annotations|METRICS__ENABLED/);
  const { status, stdout, stderr } = run('kubernetes', '--with', 'scraping');
  assert.equal(status, 0, stderr);
  const [deployment] = parseAllDocuments(stdout).map((each) => each.toJS() as Manifest);
  const { template } = deployment!.spec as {
    template: { metadata: { annotations: object }; spec: { containers: { env: object[] }[] } };
  };
  assert.deepEqual(template.metadata.annotations, {
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '9101',
    'prometheus.io/path': '/metrics',
  });
  const enabled = { name: 'PORTICO_METRICS__ENABLED', value: 'true' };
  assert.ok(template.spec.containers[0]!.env.some((each) => JSON.stringify(each) === JSON.stringify(enabled)));
  const counting = generating({ more: '[metrics]\nenabled = true' });
  assert.doesNotMatch(counting('kubernetes', '--with', 'scraping').stdout, /METRICS__ENABLED/);
  assert.match(run('systemd', '--with', 'scraping').stderr, /--with is only for generate kubernetes/);
  assert.match(
    run('kubernetes', '--with', 'scrapings').stderr,
    /--with must be one of scraping, one-process; got scrapings/,
  );
});

test('OP-15 a pod has one worker for each API that sets no number, whatever the machine of generate has', () => {
  const run = generating();
  const ini = join(run.folder, 'portico.ini');
  writeFileSync(ini, readFileSync(ini, 'utf8').replace('workers = 1\n', ''));
  const manifest = written(run, 'kubernetes');
  assert.match(manifest, /- \{ name: "?PORTICO_API_HELLO__WORKERS"?, value: "1" \}/);
  assert.match(manifest, /requests: \{ cpu: 250m, memory: 256Mi \}/);
});

test('OP-15 an image has no keys, what is wrong with it is warned of, and its health check asks all APIs', async () => {
  const run = generating({
    defaults: 'enabled_ssl_apis = hello',
    more: '[api:other]\nport = 8081\npipeline = hello\n[ssl]\ncert_file = cert.pem\nkey_file = key.pem\n[database]\nconnection = postgresql://u:hidden-word@db/x',
  });
  for (const [file, text] of Object.entries(await makePair())) writeFileSync(join(run.folder, `${file}.pem`), text);
  const both = ['--set', 'enabled_apis=hello,other', '--set', 'control.socket='];
  const { status, stdout, stderr } = run('docker', ...both);
  assert.equal(status, 0, stderr);
  const ignored = join(run.folder, '.dockerignore');
  assert.equal(
    readFileSync(ignored, 'utf8'),
    '.git\nDockerfile\n.dockerignore\nnode_modules\ntest\nvar\n**/*.log\n.env*\nkey.pem\n',
  );
  assert.match(
    stderr,
    /^\.dockerignore was written.*needs a package-lock\.json.*portico\.ini has a secret, .*\[database\] connection\n.*PORTICO_DATABASE__CONNECTION_FILE/s,
  );
  assert.doesNotMatch(stdout + stderr, /hidden-word/);
  const health = /^ {2}CMD .*$/m.exec(stdout)![0];
  assert.match(health, /https:\/\/127\.0\.0\.1:8080\/status'.*; .*http:\/\/127\.0\.0\.1:8081\/status'/);

  writeFileSync(ignored, '*.pem\n!key.pem\n');
  const again = run('docker', ...both).stderr;
  for (const says of [/the image would have node_modules, which/, /would have key\.pem/]) assert.match(again, says);
});

test('OP-15 an image has each directory that the service writes to, and none in the folder of the application', () => {
  const run = generating({
    defaults: 'log_file = log dir/a $$b.log',
    api: 'listen = unix:/run/hello/api.sock',
    more: '[control]\nsocket = control/hello.sock\n[oslo_reports]\nlog_dir = /reports',
  });
  const directories = '/var/lib/portico /var/log/portico /reports /app/control /run/hello';
  const docker = written(run, 'docker');
  assert.ok(
    docker.includes(`RUN mkdir -p ${directories} && chown node:0 ${directories} && chmod 775 ${directories}\n`),
    docker,
  );
  const moved = String.raw`PORTICO_DEFAULT__STATE_PATH=/var/lib/portico PORTICO_DEFAULT__LOG_FILE="/var/log/portico/a \$\$b.log"`;
  assert.ok(docker.includes(`ENV NODE_ENV=production PORTICO_DEFAULT__LOG_FORMAT=json ${moved}\n`), docker);
  // System directories are not created.
  for (const file of ['/hello.log', '/proc/1/fd/1']) {
    const other = generating({ defaults: `log_file = ${file}` });
    assert.match(written(other, 'docker'), /^RUN mkdir -p \/var\/lib\/portico \/run\/portico &&/m);
  }
});

test('OP-15 no volume of the manifests hides files of the application', () => {
  const run = generating({
    defaults: 'log_file = app.log',
    more: '[database]\nconnection = sqlite:///reg.db\n[registry]\nconnection = sqlite:///reg.db',
  });
  const manifests = written(run, 'kubernetes');
  const mounted = ['/tmp', '/var/lib/portico', '/var/log/portico', '/run/portico'];
  assert.deepEqual(
    [...manifests.matchAll(/mountPath: ([^ }]+)/g)].map(([, path]) => path),
    mounted,
  );
  assert.match(manifests, /readOnlyRootFilesystem: true/);
  // A socket keeps its path: others look for it there.
  const { stdout } = run('kubernetes', '--set', 'control.socket=own/control.sock');
  assert.match(stdout, /# Not read-only, .* \[control\] socket .*\/app\/own\.\n *readOnlyRootFilesystem: false/);
  assert.doesNotMatch(stdout, /mountPath: \/app/);
});

test('OP-15 an API that requires client certificates is not asked by probes, and its proxy needs one', async () => {
  const run = generating({
    defaults: 'enabled_ssl_apis = hello',
    more: '[ssl]\ncert_file = cert.pem\nkey_file = key.pem\nca_file = cert.pem',
  });
  for (const [file, text] of Object.entries(await makePair())) writeFileSync(join(run.folder, `${file}.pem`), text);
  const asked = written(run, 'kubernetes');
  assert.doesNotMatch(asked, /httpGet: .*port: 8080/);
  assert.doesNotMatch(run('docker', '--set', 'control.socket=').stdout, /HEALTHCHECK/);
  const { stdout, stderr } = run('nginx');
  assert.match(stdout, /proxy_pass https:\/\/hello;.*proxy_ssl_server_name on;/s);
  const missing = 'hello requires a client certificate, and proxy_ssl_certificate names none';
  assert.ok(stderr.includes(missing), stderr);
});

test('OP-15 RP-88 the nginx file has the address and the times of the API, and passes no header that it trusts', () => {
  const run = generating({ more: '[wsgi]\nkeep_alive_timeout = 20\nclient_socket_timeout = 30' });
  const server = written(run, 'nginx');
  for (const line of [
    'server 127.0.0.1:8080;',
    'keepalive_timeout 15s;',
    'proxy_pass http://hello;',
    'proxy_http_version 1.1;',
    'proxy_set_header Connection $portico_connection;',
    'proxy_read_timeout 30s;',
    'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    'proxy_set_header X-Forwarded-Proto $scheme;',
    'proxy_set_header X-Forwarded-Prefix "";',
    'proxy_set_header Forwarded "";',
  ]) {
    assert.ok(server.includes(`    ${line}\n`), `${line}\n${server}`);
  }
});

test('OP-15 an image has no files with secrets that sections of the paste file and groups of filters name', () => {
  const run = generating({ more: '[jwt]\nsecret_file = keys/jwt.txt' });
  const paste = PASTE.replace('/: app', '/: guarded').concat(
    '[pipeline:guarded]\npipeline = basic_auth app\n',
    '[filter:basic_auth]\npaste.filter_factory = portico/middleware:basicAuth\nuser_file = users.htpasswd\n',
  );
  writeFileSync(join(run.folder, 'api-paste.ini'), paste);
  writeFileSync(join(run.folder, 'users.htpasswd'), '');
  const { status, stderr } = run('docker');
  assert.equal(status, 0, stderr);
  const ignored = join(run.folder, '.dockerignore');
  assert.match(readFileSync(ignored, 'utf8'), /^keys\/jwt\.txt\nusers\.htpasswd\n$/m);
  writeFileSync(ignored, 'node_modules\n');
  assert.match(run('docker').stderr, /would have keys\/jwt\.txt, .*would have users\.htpasswd, /s);
});

test('OP-15 patterns of .dockerignore name a folder in each of their forms', () => {
  const folder = temporaryFolder('portico-ignored-');
  const copied = (text: string): string[] => {
    writeFileSync(join(folder, '.dockerignore'), text);
    return wronglyCopied({ folder, secretFiles: [join(folder, 'keys', 'a.pem')] } as Partial<Deployment> as Deployment);
  };
  for (const text of ['node_modules/**\nkeys/**', '**\n!src', './node_modules\n/keys/', '**/node_modules\n**/*.pem']) {
    assert.deepEqual(copied(text), [], text);
  }
  assert.deepEqual(copied('node_modules/*.js\n*.pem'), ['node_modules', 'keys/a.pem']);
});

test('OP-15 a package from outside of the folder is warned of, and one that is packed into it is copied', () => {
  const run = generating();
  writeFileSync(join(run.folder, 'package-lock.json'), '{}');
  writeFileSync(join(run.folder, '.dockerignore'), '# none of the host\n**/node_modules/\n');
  const naming = (portico: string) => {
    writeFileSync(join(run.folder, 'package.json'), JSON.stringify({ type: 'module', dependencies: { portico } }));
    const { status, stdout, stderr } = run('docker');
    assert.equal(status, 0, stderr);
    return { copied: stdout.match(/^COPY .*$/gm)!, stderr };
  };
  const outside = naming('file:../portico');
  assert.match(
    outside.stderr,
    /^warning: the image cannot be built: package\.json names portico as file:\.\.\/portico/,
  );
  assert.match(outside.stderr, /npm install "\.\/\$\(npm pack --silent \.\.\/portico \| tail -n 1\)"/);
  const manifests = 'COPY package.json package-lock.json ./';
  assert.deepEqual(outside.copied, [manifests, 'COPY . .']);
  assert.deepEqual(naming('file:portico-0.1.0.tgz'), {
    copied: [manifests, 'COPY ["portico-0.1.0.tgz","./portico-0.1.0.tgz"]', 'COPY . .'],
    stderr: '',
  });
  assert.equal(naming('^0.1.0').stderr, '');
});

test('OP-15 an API that takes any free port has no place in a container', () => {
  const { status, stderr } = generating({ api: 'port = 0' })('docker');
  assert.equal(status, 1);
  assert.match(stderr, /hello has port 0/);
});
