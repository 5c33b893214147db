/** `api-cli generate kubernetes --check` for manifests that a team has edited: labels, names, commands and listeners. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { emptyProject } from '../e2e/program.js';
import { command } from './command.js';

const FILES = {
  'portico.ini': '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 8080\nworkers = 1\nlisten = 127.0.0.1\n',
  'api-paste.ini': '[app:hello]\npaste.app_factory = portico/middleware:echo\n',
};
const MAIN = 'node_modules/portico/lib/cli/main.js';

/** Returns the manifest of an API on loopback, and a function that checks an edited one. */
function manifestOf(t: TestContext, ...words: string[]) {
  const project = emptyProject(FILES);
  t.after(() => project.remove());
  const file = join(project.folder, 'manifest.yaml');
  const run = (kind: string, ...more: string[]) => command(['generate', kind, ...more], { cwd: project.folder });
  const { stdout, stderr, status } = run('kubernetes', ...words);
  assert.equal(status, 0, stderr);
  const check = (text: string, ...more: string[]): string => {
    writeFileSync(file, text);
    return run('kubernetes', ...more, '--check', file).stdout.replaceAll(file, 'manifest');
  };
  return { manifest: stdout, check, run, file };
}

const MATCHES = 'manifest matches this configuration.\n';

test('OP-15 --check reports a selector that finds no pod of the manifest', (t) => {
  const { manifest, check } = manifestOf(t, '--name', 'books', '--with', 'budget');
  assert.equal(check(manifest), MATCHES);
  const [deployment, service, budget] = manifest.split('---');
  const moved = (part: string): string => part.replace(/(selector: ?\{? ?.*?|matchLabels: \{ .*?: )books/s, '$1shop');
  for (const [kind, text] of [
    ['Deployment', [moved(deployment!), service, budget]],
    ['Service', [deployment, moved(service!), budget]],
    ['PodDisruptionBudget', [deployment, service, moved(budget!)]],
  ] as const) {
    const said = check(text.join('---'));
    assert.match(
      said,
      new RegExp(`${kind}\\.selector is app\\.kubernetes\\.io/name: shop: no pod of this file has it`),
    );
    assert.equal(said.split('error:').length, 2, said);
  }
  assert.equal(check(manifest.replaceAll('name: books', 'name: shop')), MATCHES, 'another name throughout');
});

test('OP-15 --check with --name reports a Deployment of another name, and the file says how to check it', (t) => {
  const { manifest, check } = manifestOf(t, '--name', 'books');
  assert.match(manifest, /Check it with: api-cli generate kubernetes --name books --check FILE/);
  assert.equal(check(manifest, '--name', 'books'), MATCHES);
  assert.match(check(manifest, '--name', 'shop'), /Deployment\.name is books: --name is shop/);
});

test('OP-15 --check reports a command that starts another program, or leaves an API on loopback', (t) => {
  const { manifest, check } = manifestOf(t);
  const starting = (lines: string, env = ''): string =>
    check(
      manifest
        .replace('          image: ', `          ${lines}\n          image: `)
        .replace('          env:\n', `          env:\n${env}`),
    );
  const words = `node, ${MAIN}, --config-file, /etc/hello/portico.ini`;
  const hidden =
    /the image opens hello with words that this replaces: it listens on loopback, which no Service reaches/;
  assert.match(
    starting('command: [python3, serve.py]'),
    /container\.command is python3 serve\.py: it does not start api-cli/,
  );
  const own = `command: [node, server.js, --set, "api:hello.listen=0.0.0.0:8080"]`;
  assert.equal(starting(own), MATCHES, 'a program with its own launcher');
  assert.match(starting(`args: [${words}]`), hidden);
  assert.match(starting(`command: [tini, --]\n          args: [${words}]`), hidden);
  assert.equal(starting(`args: [${words}, --set, "api:hello.listen=0.0.0.0:8080"]`), MATCHES);
  const opened = '            - { name: PORTICO_API_HELLO__LISTEN, value: "0.0.0.0:8080" }\n';
  assert.equal(starting(`args: [${words}]`, opened), MATCHES);
  const fromPod =
    '            - { name: PORTICO_API_HELLO__LISTEN, valueFrom: { fieldRef: { fieldPath: status.podIP } } }\n';
  assert.equal(starting(`args: [${words}]`, fromPod), MATCHES);
});

test('OP-15 --check accepts labels by an alias, expressions, and a Service of another app in the same file', (t) => {
  const { manifest, check } = manifestOf(t, '--name', 'books');
  const pair = 'app.kubernetes.io/name: books';
  const [deployment, service] = manifest.split('---');
  const aliased = deployment!
    .replace(`matchLabels: { ${pair} }`, `matchLabels: &labels { ${pair} }`)
    .replace(`      labels: { ${pair} }`, '      labels: *labels');
  assert.match(aliased, /&labels.*\*labels/s);
  assert.equal(check([aliased, service].join('---')), MATCHES);
  const expressed = manifest.replace(
    `matchLabels: { ${pair} }`,
    'matchExpressions: [{ key: app.kubernetes.io/name, operator: In, values: [books] }]',
  );
  assert.notEqual(expressed, manifest);
  assert.equal(check(expressed), MATCHES);
  const cache = '\napiVersion: v1\nkind: Service\nmetadata:\n  name: cache\nspec:\n  selector: { app: cache }\n';
  assert.equal(check([manifest, cache].join('---')), MATCHES);
});

test('OP-15 --check of a Dockerfile reports a command that does not start api-cli', (t) => {
  const { run, file } = manifestOf(t);
  writeFileSync(file, run('docker').stdout.replace('lib/cli/main.js', 'lib/cli.js'));
  assert.match(run('docker', '--check', file).stdout, /CMD is \["node".*: it does not start api-cli/);
});

test('OP-15 --check reports probes of a listener that only the pod itself reaches', (t) => {
  const { manifest, check } = manifestOf(t);
  for (const address of ['127.0.0.1:9101', 'localhost:9101', '[::1]:9101'])
    assert.match(
      check(manifest.replace('0.0.0.0:9101', address)),
      /readinessProbe\.httpGet\.port is 9101: nothing listens/,
    );
});

test('OP-15 --check points to the volume that was moved, and says what is wrong with YAML', (t) => {
  const { manifest, check } = manifestOf(t);
  const said = check(manifest.replace('mountPath: /run/portico', 'mountPath: /run/other'));
  assert.match(said, /mountPath is \/run\/other: \/run\/portico is written to, and no volume is there/);
  const broken = check(manifest.replace('spec:', 'spec'));
  assert.match(broken, /YAML is invalid \(Implicit keys need to be on a single line\)/);
  assert.doesNotMatch(broken, /Leave it out|MULTILINE/);
});
