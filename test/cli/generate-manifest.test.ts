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
  const ini = (text: string): void => writeFileSync(join(project.folder, 'portico.ini'), text);
  const image = (text: string): void => writeFileSync(join(project.folder, 'Dockerfile'), text);
  return { manifest: stdout, check, run, file, ini, image };
}

const MATCHES = 'manifest matches this configuration.\n';

test('OP-15 --check reports a selector that finds no pod of the manifest', (t) => {
  const { manifest, check } = manifestOf(t, '--name', 'books');
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

test('OP-15 --check says what is wrong with YAML', (t) => {
  const { manifest, check } = manifestOf(t);
  const broken = check(manifest.replace('spec:', 'spec'));
  assert.match(broken, /YAML is invalid \(Implicit keys need to be on a single line\)/);
  assert.doesNotMatch(broken, /Leave it out|MULTILINE/);
});

/** Adds variables to a manifest. */
const withVariables = (manifest: string, ...variables: string[]): string =>
  manifest.replace('          env:\n', `$&${variables.map((each) => `            - { ${each} }\n`).join('')}`);

test('OP-15 --check reads the manifest with the options that its variables and words set', (t) => {
  const { manifest, check } = manifestOf(t);
  const longer = withVariables(manifest, 'name: PORTICO_DEFAULT__GRACEFUL_SHUTDOWN_TIMEOUT, value: "120"');
  assert.match(check(longer), /terminationGracePeriodSeconds is 65, not 125/);
  assert.equal(check(longer.replace('Seconds: 65', 'Seconds: 125')), MATCHES);
  const more = withVariables(manifest, 'name: PORTICO_API_HELLO__WORKERS, value: "6"');
  assert.match(check(more.replace('memory: 896Mi', 'memory: 512Mi')), /is 512Mi: a parent and 6 workers need 896Mi/);
  const moved = manifest.replace('mountPath: /run/portico', 'mountPath: /run/hello');
  assert.equal(
    check(withVariables(moved, 'name: PORTICO_CONTROL__SOCKET, value: /run/hello/control.sock')),
    MATCHES,
    'a volume that moved with its option',
  );
  const wrong = withVariables(manifest, 'name: PORTICO_API_HELLO__WORKERS, value: many');
  assert.match(check(wrong), /^manifest:\d+:1: error: .*workers: should be an integer; got many/);
  // The image opens the API with words, which have precedence over variables.
  const elsewhere = withVariables(manifest, 'name: PORTICO_API_HELLO__LISTEN, value: "0.0.0.0:9000"');
  assert.match(
    check(elsewhere.replace('containerPort: 8080', 'containerPort: 9000')),
    /is 9000: nothing listens there/,
  );
  const words = `args: [node, ${MAIN}, --set, "api:hello.listen=0.0.0.0:8080", --set=DEFAULT.drain_delay=0]`;
  assert.match(
    check(manifest.replace('          image: ', `          ${words}\n          image: `)),
    /container\.env: a pod that stops refuses connections/,
  );
});

test('OP-15 --check takes values that are in a ConfigMap, and none that it cannot know', (t) => {
  const { manifest, check } = manifestOf(t);
  const name = 'PORTICO_DEFAULT__DRAIN_DELAY';
  const drain = `{ name: ${name}, value: "6" }`;
  const from = (to: string): string => manifest.replace(drain, to);
  const reference = `{ name: ${name}, valueFrom: { configMapKeyRef: { name: times, key: drain } } }`;
  const map = (delay: string): string =>
    `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: times }\ndata: { drain: "${delay}", ${name}: "${delay}" }\n`;
  assert.equal(check(from(reference)), MATCHES);
  assert.equal(check(from(reference) + map('5')), MATCHES);
  assert.match(check(from(reference) + map('40')), /DRAIN_DELAY is 40: it leaves less than half/);
  const all = manifest.replace(/ {10}env:\n(?: {12}.*\n)+/, '          envFrom: [{ configMapRef: { name: times } }]\n');
  assert.notEqual(all, manifest);
  assert.equal(check(all), MATCHES, 'the ConfigMap is elsewhere');
  assert.match(check(all + map('5')), /readinessProbe\.httpGet\.port is 9101: nothing listens/);
  const secret = 'name: PORTICO_DATABASE__CONNECTION_FILE, value: /run/secrets/connection';
  assert.equal(check(withVariables(manifest, secret)), MATCHES, 'a file of the pod');
});

test('OP-15 --check finds its container beside others, whatever its name is', (t) => {
  const { manifest, check } = manifestOf(t);
  const proxy = '        - { name: proxy, image: envoy, ports: [{ containerPort: 15000 }] }\n';
  const beside = manifest.replace('        - name: hello\n', `${proxy}        - name: api\n`);
  assert.notEqual(beside, manifest);
  assert.equal(check(beside), MATCHES);
  const cache = `apiVersion: apps/v1
kind: Deployment
metadata: { name: cache }
spec:
  selector: { matchLabels: { app: cache } }
  template:
    metadata: { labels: { app: cache } }
    spec: { containers: [{ name: cache, image: redis }] }
---
`;
  assert.equal(check(cache + manifest), MATCHES);
});

test('OP-15 --check reports workers that would follow the processors of a node', (t) => {
  const { manifest, check, ini } = manifestOf(t);
  ini(FILES['portico.ini'].replace('workers = 1\n', ''));
  assert.match(check(manifest), /container\.env: the number of workers of hello follows the processors of the node/);
  assert.equal(check(withVariables(manifest, 'name: PORTICO_API_HELLO__WORKERS, value: "1"')), MATCHES);
  assert.equal(check(manifest.replace('limits: { memory: 896Mi }', 'limits: { memory: 896Mi, cpu: 2 }')), MATCHES);
});

/** Edits of a manifest with all additions, each with what is wrong then; undefined: nothing. */
const SLIPS: readonly (readonly [from: string | RegExp, to: string, says?: RegExp])[] = [
  [
    'Probe: { httpGet: { path: /healthz',
    'Probe: { httpGet: { path: /readyz',
    /livenessProbe\.httpGet\.path is \/readyz/,
  ],
  [/(readinessProbe.*?)\/readyz/, '$1/healthz', /readinessProbe\.httpGet\.path is \/healthz: it is 200 before/],
  ['prometheus.io/port: "9101"', 'prometheus.io/port: "8080"', /prometheus\.io\/port is 8080: no metrics are there/],
  ['io/path: /metrics', 'io/path: /', /prometheus\.io\/path is \/: no metrics are there/],
  [/.*METRICS__ENABLED.*\n/, '', /container\.env: metrics are scraped and not enabled/],
  [/ {6}annotations:\n(?: {8}prom.*\n)+| {12}- \{ name: PORTICO_METRICS__ENABLED.*\n/g, ''],
  ['{ memory: 896Mi }', '{ memory: 896m }', /limits\.memory is 896m: a parent and 1 worker need 256Mi/],
  ['{ memory: 896Mi }', '{ memory: 1Ti }'],
  ['allowPrivilegeEscalation: false', 'privileged: true', /privileged is true/],
  ['mountPath: /run/portico }', 'mountPath: /run/portico, readOnly: true }', /\/run\/portico is written to/],
  [
    '- { name: written-2, mountPath: /run/portico }',
    '- { name: files, mountPath: /run, readOnly: true }\n            - { name: written-2, mountPath: /run/portico }',
  ],
  ['0.0.0.0:9101', 'localhost:9101', /readinessProbe\.httpGet\.port is 9101: nothing listens/],
  ['0.0.0.0:9101', '[::1]:9101', /readinessProbe\.httpGet\.port is 9101: nothing listens/],
  ['maxUnavailable: 1', 'maxUnavailable: 0', /no pod may be evicted/],
  ['maxUnavailable: 1', 'minAvailable: 2', /no pod may be evicted/],
  ['maxUnavailable: 1', 'minAvailable: 1'],
];

const MONITOR = (port: string): string =>
  `---\napiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: { name: hello }\nspec:\n  selector: { matchLabels: { app.kubernetes.io/name: hello } }\n  podMetricsEndpoints: [{ port: ${port} }]\n`;

test('OP-15 --check reports slips in probes, scraping, sizes, volumes and budgets', (t) => {
  const { manifest, check } = manifestOf(t, '--with', 'scraping');
  for (const [from, to, says] of SLIPS) {
    const edited = manifest.replace(from, to);
    assert.notEqual(edited, manifest, `the manifest has ${String(from)}`);
    if (says === undefined) assert.equal(check(edited), MATCHES, to);
    else assert.match(check(edited), says);
  }
  assert.equal(check(manifest + MONITOR('metrics')), MATCHES);
  assert.match(check(manifest + MONITOR('http')), /PodMonitor\.port is http: no metrics are there/);
});

test('OP-15 --check reports a shell or a package manager between the container and the program', (t) => {
  const { manifest, check } = manifestOf(t);
  const opened = `${MAIN} --set api:hello.listen=0.0.0.0:8080`;
  const starting = (command: string): string =>
    check(manifest.replace('          image: ', `          command: ${command}\n          image: `));
  for (const command of [
    '[npx, api-cli, --set, "api:hello.listen=0.0.0.0:8080"]',
    '[tini, --, npm, start]',
    `[/bin/sh, -ec, "npm run migrate && node ${opened}"]`,
  ]) {
    const said = starting(command);
    assert.match(said, /container\.command is .*: a shell or a package manager does not forward TERM/, command);
  }
  for (const command of [`[sh, -c, "npm run migrate && exec node ${opened}"]`, `[sh, -c, "node ${opened}"]`])
    assert.equal(starting(command), MATCHES, command);
});

test('OP-15 --check takes args of options alone if the image starts api-cli', (t) => {
  const { manifest, check, run, image } = manifestOf(t);
  const args = '["--config-file=/etc/hello/portico.ini", "--set=api:hello.listen=0.0.0.0:8080"]';
  const edited = manifest.replace('          image: ', `          args: ${args}\n          image: `);
  assert.equal(check(edited), MATCHES, 'no Dockerfile is here');
  const generated = run('docker').stdout;
  image(generated);
  assert.match(check(edited), /container\.args is .*: it does not start api-cli/);
  image(generated.replace(/ENTRYPOINT .*/, `ENTRYPOINT ["tini", "--", "node", "${MAIN}"]`));
  assert.equal(check(edited), MATCHES);
  const hidden = edited.replace(/, "--set=[^"]*"/, '');
  assert.match(check(hidden), /it listens on loopback, which no Service reaches/);
});
