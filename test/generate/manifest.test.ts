/** `api-cli generate kubernetes --check` for manifests that a team has edited: what loses requests, and what does not start. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../cli/command.js';
import { emptyProject } from '../e2e/program.js';

const FILES = {
  'portico.ini': '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 8080\nworkers = 1\nlisten = 127.0.0.1\n',
  'api-paste.ini': '[app:hello]\npaste.app_factory = portico/middleware:echo\n',
};
const MAIN = 'node_modules/portico/lib/cli/main.js';
const MATCHES = 'manifest matches this configuration.\n';

/** Returns the manifest of an API on loopback, and a function that checks an edited one. */
function manifestOf(...words: string[]) {
  const project = emptyProject(FILES);
  const file = join(project.folder, 'manifest.yaml');
  const run = (kind: string, ...more: string[]) => command(['generate', kind, ...more], { cwd: project.folder });
  const { stdout, stderr, status } = run('kubernetes', ...words);
  assert.equal(status, 0, stderr);
  const check = (text: string): string => {
    writeFileSync(file, text);
    return run('kubernetes', '--check', file).stdout.replaceAll(file, 'manifest');
  };
  const image = (text: string): void => writeFileSync(join(project.folder, 'Dockerfile'), text);
  return { manifest: stdout, check, run, file, image };
}

/** Adds lines to the container. */
const withLines = (manifest: string, ...lines: string[]): string =>
  manifest.replace('          image: ', `${lines.map((line) => `          ${line}\n`).join('')}$&`);

/** Adds variables to a manifest. */
const withVariables = (manifest: string, ...variables: string[]): string =>
  manifest.replace('          env:\n', `$&${variables.map((each) => `            - { ${each} }\n`).join('')}`);

/** Edits of a manifest, each with what is wrong then; undefined: nothing that loses requests or does not start. */
const EDITS: readonly (readonly [from: string | RegExp, to: string, says?: RegExp])[] = [
  [/(livenessProbe.*?)\/healthz/, '$1/readyz', /livenessProbe\.httpGet\.path is \/readyz: it restarts pods/],
  [
    /(readinessProbe.*?)\/readyz/,
    '$1/healthz',
    /readinessProbe\.httpGet\.path is \/healthz: it responds with 200 before/,
  ],
  [/(startupProbe.*?)port: 9101/, '$1port: 9102', /startupProbe\.httpGet\.port is 9102: nothing listens there/],
  [/readinessProbe: .*/, 'readinessProbe: { tcpSocket: { port: 80 } }', /tcpSocket\.port is 80: nothing listens there/],
  [/readinessProbe: .*/, 'readinessProbe: { exec: { command: [node, ready.js] } }'],
  [/readinessProbe: .*/, '', /readinessProbe: a pod gets requests before it serves/],
  ['port: 9101, scheme: HTTP', 'port: metrics'],
  [/livenessProbe: .*/, ''],
  ['targetPort: hello', 'targetPort: 8080'],
  ['targetPort: hello', 'targetPort: web', /targetPort is web: no API listens there/],
  ['Seconds: 65', 'Seconds: 30', /terminationGracePeriodSeconds is 30: a stop takes up to 65 s/],
  [
    '          env:',
    '          lifecycle: { preStop: { exec: { command: [sleep, "20"] } } }\n          env:',
    /terminationGracePeriodSeconds is 65: a stop takes up to 85 s/,
  ],
  ['0.0.0.0:9101', 'localhost:9101', /readinessProbe\.httpGet\.port is 9101: nothing listens/],
  ['0.0.0.0:9101', '[::1]:9101', /readinessProbe\.httpGet\.port is 9101: nothing listens/],
  [
    'mountPath: /run/portico }',
    'mountPath: /run/portico, readOnly: true }',
    /volumeMounts is \/run\/portico: \/run\/portico is written to/,
  ],
  [
    '- { name: written-2, mountPath: /run/portico }',
    '- { name: files, mountPath: /run, readOnly: true }\n            - { name: written-2, mountPath: /run/portico }',
  ],
  ['mountPath: /tmp', 'mountPath: /app', /volumeMounts is \/app: it hides the application/],
  ['readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'],
  ['memory: 896Mi', 'memory: 64Mi'],
  ['runAsUser: 1000', 'runAsUser: 0'],
  ['maxUnavailable: 1', 'maxUnavailable: 0'],
  [/(metadata:\n {2}name: )hello/g, '$1shop'],
];

test('OP-15 --check reports what loses requests or does not start, each at its line, and nothing else', () => {
  const { manifest, check } = manifestOf();
  assert.equal(check(manifest), MATCHES);
  for (const [from, to, says] of EDITS) {
    const edited = manifest.replace(from, to);
    assert.notEqual(edited, manifest, `the manifest has ${String(from)}`);
    const said = check(edited);
    if (says === undefined) assert.equal(said, MATCHES, to);
    else assert.match(said, says);
    const [, line] = /^manifest:(\d+):1: error: /.exec(said) ?? [];
    assert.equal(line !== undefined, says !== undefined, said);
  }
});

test('OP-15 --check reports a command that starts another process, or leaves an API on loopback', () => {
  const { manifest, check } = manifestOf();
  const starting = (...lines: string[]): string => check(withLines(manifest, ...lines));
  const words = `node, ${MAIN}, --config-file, /etc/hello/portico.ini`;
  const hidden = /container\.command is .*: hello listens on loopback, which no Service reaches/;
  assert.match(
    starting('command: [python3, serve.py]'),
    /container\.command is python3 serve\.py: it does not start api-cli/,
  );
  const own = `command: [node, server.js, --set, "api:hello.listen=0.0.0.0:8080"]`;
  assert.equal(starting(own), MATCHES, 'a program with its own launcher');
  assert.match(starting(`args: [${words}]`), hidden);
  assert.match(starting('command: [tini, --]', `args: [${words}]`), hidden);
  assert.equal(starting(`args: [${words}, --set, "api:hello.listen=0.0.0.0:8080"]`), MATCHES);
  const opened = 'name: PORTICO_API_HELLO__LISTEN, value: "0.0.0.0:8080"';
  assert.equal(check(withVariables(withLines(manifest, `args: [${words}]`), opened)), MATCHES);
});

test('OP-15 --check reports a shell or a package manager between the container and the application', () => {
  const { manifest, check } = manifestOf();
  const opened = `${MAIN} --set api:hello.listen=0.0.0.0:8080`;
  const starting = (words: string): string => check(withLines(manifest, `command: ${words}`));
  for (const words of [
    '[npx, api-cli, --set, "api:hello.listen=0.0.0.0:8080"]',
    '[tini, --, npm, start]',
    `[/bin/sh, -ec, "npm run migrate && node ${opened}"]`,
  ])
    assert.match(
      starting(words),
      /container\.command is .*: a shell or a package manager does not forward SIGTERM/,
      words,
    );
  for (const words of [`[sh, -c, "npm run migrate && exec node ${opened}"]`, `[sh, -c, "node ${opened}"]`])
    assert.equal(starting(words), MATCHES, words);
});

test('OP-15 --check takes args of options alone if the image starts api-cli', () => {
  const { manifest, check, run, image } = manifestOf();
  const edited = withLines(
    manifest,
    'args: ["--config-file=/etc/hello/portico.ini", "--set=api:hello.listen=0.0.0.0:8080"]',
  );
  assert.equal(check(edited), MATCHES, 'no Dockerfile is here');
  const generated = run('docker').stdout;
  image(generated);
  assert.match(check(edited), /container\.command is .*: it does not start api-cli/);
  image(generated.replace(/ENTRYPOINT .*/, `ENTRYPOINT ["tini", "--", "node", "${MAIN}"]`));
  assert.equal(check(edited), MATCHES);
  assert.match(check(edited.replace(/, "--set=[^"]*"/, '')), /hello listens on loopback/);
});

test('OP-15 --check reads the manifest with the options that its variables and words set', () => {
  const { manifest, check } = manifestOf();
  const longer = withVariables(manifest, 'name: PORTICO_DEFAULT__GRACEFUL_SHUTDOWN_TIMEOUT, value: "120"');
  assert.match(check(longer), /terminationGracePeriodSeconds is 65: a stop takes up to 125 s/);
  assert.equal(check(longer.replace('Seconds: 65', 'Seconds: 125')), MATCHES);
  const moved = manifest.replace('mountPath: /run/portico', 'mountPath: /run/hello');
  assert.equal(
    check(withVariables(moved, 'name: PORTICO_CONTROL__SOCKET, value: /run/hello/control.sock')),
    MATCHES,
    'a volume that moved with its option',
  );
  const wrong = withVariables(manifest, 'name: PORTICO_API_HELLO__WORKERS, value: many');
  assert.match(check(wrong), /^manifest:\d+:1: error: .*workers: should be an integer; got many/);
  // The image opens the API with words, which have precedence over variables.
  assert.equal(check(withVariables(manifest, 'name: PORTICO_API_HELLO__LISTEN, value: "0.0.0.0:9000"')), MATCHES);
  const words = `args: [node, ${MAIN}, --set, "api:hello.listen=0.0.0.0:8080", --set=DEFAULT.drain_delay=0]`;
  assert.match(check(withLines(manifest, words)), /container: it stops while Services still send to it/);
  const secret = 'name: PORTICO_DATABASE__CONNECTION_FILE, value: /run/secrets/connection';
  assert.equal(check(withVariables(manifest, secret)), MATCHES, 'a file of the pod');
});

test('OP-15 --check says what it cannot read, and takes it for right', () => {
  const { manifest, check, run, file } = manifestOf();
  const broken = check(manifest.replace('spec:', 'spec'));
  assert.match(
    broken,
    /error: the manifest cannot be read: it is no YAML: Implicit keys need to be on a single line\n/,
  );
  assert.match(check('kind: Service'), /error: the manifest cannot be read: it has no pod template with a container/);
  const reference =
    '{ name: PORTICO_DEFAULT__DRAIN_DELAY, valueFrom: { configMapKeyRef: { name: times, key: drain } } }';
  const all = manifest.replace(/ {10}env:\n(?: {12}.*\n)+/, '          envFrom: [{ configMapRef: { name: times } }]\n');
  for (const [text, says] of [
    [manifest.replace(/\{ name: PORTICO_DEFAULT__DRAIN_DELAY.*/, reference), 'PORTICO_DEFAULT__DRAIN_DELAY'],
    [all, 'envFrom'],
    [
      manifest
        .replace('volumeMounts:', 'args: *words\n          volumeMounts:')
        .replace('replicas: 2', 'replicas: &words 2'),
      '\\*words',
    ],
  ] as const) {
    assert.notEqual(text, manifest);
    const said = check(text);
    assert.match(said, new RegExp(`^manifest:\\d+:1: warning: ${says} is not read: its value is not in this file`));
    assert.doesNotMatch(said, /error/);
    assert.equal(run('kubernetes', '--check', file).status, 0);
  }
  const pod = '{ name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }';
  assert.equal(check(withVariables(manifest, pod.slice(2, -2))), MATCHES, 'a variable of the application');
});

test('OP-15 --check finds its container beside others, whatever its name is', () => {
  const { manifest, check } = manifestOf();
  const proxy = '        - { name: proxy, image: envoy, ports: [{ containerPort: 15000 }] }\n';
  const beside = manifest.replace('        - name: hello\n', `${proxy}        - name: api\n`);
  assert.notEqual(beside, manifest);
  assert.equal(check(beside), MATCHES);
  const cache = 'kind: Deployment\nspec:\n  template: { spec: { containers: [{ name: cache, image: redis }] } }\n---\n';
  assert.equal(check(cache + manifest), MATCHES);
  const service = '---\nkind: Service\nspec: { selector: { app: cache }, ports: [{ port: 6379 }] }\n';
  assert.equal(check(manifest + service), MATCHES);
});
