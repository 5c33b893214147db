import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { printDiagnostic } from '#internal/config';
import 'portico/launch';
import 'portico/registry';
import 'portico/rpc';
import 'portico/server';
import { checkTransportUrl } from '../../../dist/extras/rpc/transport/open-transport.js';

function found(text: string): string[] {
  const config = Config.fromText(text);
  (config as unknown as { registerLoaded(): void }).registerLoaded();
  return config.problems({ complete: false }).map((each) => printDiagnostic(each, { showLine: false }));
}

test('CF-51 two APIs on one address are an error at the second one', () => {
  assert.deepEqual(found('[api:a]\nport = 8774\n[api:b]\nlisten = 0.0.0.0\nport = 8774\n'), [
    'portico.ini:5:8: error: [api:b] port: port 8774 already belongs to [api:a]\n  change one of the addresses',
  ]);
  assert.deepEqual(found('[api:a]\nlisten = unix:/run/a\n[api:b]\nlisten = unix:/run/../run/a\n'), [
    'portico.ini:4:10: error: [api:b] listen: unix:/run/a already belongs to [api:a]\n  change one of the addresses',
  ]);
  assert.deepEqual(
    found('[api:a]\nport = 1\nlisten = 127.0.0.1\n[api:b]\nport = 1\nlisten = ::1\n[api:c]\n[api:d]\n'),
    [],
  );
  assert.deepEqual(found('[DEFAULT]\nenabled_apis = a\n[api:a]\nport = 8774\n[api:b]\nport = 8774\n'), []);
  // Another refused value of the section hides no address.
  assert.deepEqual(found('[api:a]\nworkers = one\nport = 8774\n[api:b]\nport = 8774\n'), [
    'portico.ini:2:11: error: [api:a] workers: should be an integer; got one',
    'portico.ini:5:8: error: [api:b] port: port 8774 already belongs to [api:a]\n  change one of the addresses',
  ]);
});

test('CF-51 a refused value hides no error between other options', () => {
  assert.deepEqual(found('[api:a]\nport = 8774\n[api:b]\nport = 8774\n[wsgi]\nrequest_timeout = 300 sek\n'), [
    'portico.ini:6:19: error: [wsgi] request_timeout: should be a duration: a number, alone or with ms, s, m, h or d; got 300 sek',
    'portico.ini:4:8: error: [api:b] port: port 8774 already belongs to [api:a]\n  change one of the addresses',
  ]);
});

test('OP-58 the admin listener has a separate port, on an address of this machine', () => {
  assert.deepEqual(found('[api:a]\nport = 8774\n[admin]\nlisten = 127.0.0.1:8774\n'), [
    'portico.ini:4:10: error: [admin] listen: port 8774 belongs to [api:a]\n  choose another port',
  ]);
  assert.deepEqual(found('[api:a]\nport = 8774\n[admin]\nlisten = [::]:9100\n'), [
    'portico.ini:4:10: error: [admin] listen: other machines can reach ::\n  listen on 127.0.0.1, or set allow_remote = true, which lets them read everything there',
  ]);
  assert.deepEqual(found('[api:a]\nport = 8774\n[admin]\nlisten = 127.0.0.1:9100\nmetrics_listen = 0.0.0.0:9100\n'), [
    'portico.ini:5:18: error: [admin] metrics_listen: port 9100 belongs to [admin] listen\n  choose another port',
  ]);
  // An empty value turns the listener off.
  for (const listen of ['127.0.0.1:1', 'localhost:1', '[::1]:1', '0.0.0.0:1\nallow_remote = true', '']) {
    assert.deepEqual(found(`[api:a]\nport = 8774\n[admin]\nlisten = ${listen}\n`), []);
  }
});

test('CF-51 SG-20 a connection of the registry that its driver does not take is reported where it stands, without the rest of it', () => {
  const wrong: readonly (readonly [text: string, at: string, said: RegExp])[] = [
    [
      '[servicegroup]\nconnection = postgresql://me:hidden@db/x\n',
      '[servicegroup] connection',
      /not an SQLite connection: postgresql:…/,
    ],
    [
      '[servicegroup]\ndriver = postgresql\n[database]\nconnection = mysql://me:hidden@db/x\n',
      '[database] connection',
      /not a PostgreSQL connection: mysql:…/,
    ],
    [
      '[servicegroup]\ndriver = postgresql\nconnection = mysql://me:hidden@db/x\n',
      '[servicegroup] connection',
      /not a PostgreSQL connection: mysql:…/,
    ],
  ];
  for (const [text, at, said] of wrong) {
    const [issue, ...more] = found(text);
    assert.deepEqual(more, []);
    assert.match(issue!, said);
    assert.ok(issue!.includes(at), issue);
    assert.doesNotMatch(issue!, /hidden/);
  }
  const common = 'connection = postgresql://me:hidden@db/x\n';
  assert.deepEqual(found(`[servicegroup]\ndriver = postgresql\n${common}`), []);
  assert.deepEqual(found(`[servicegroup]\ndriver = memory\n[database]\n${common}`), []);
});

test('WI-1 a registry that nobody has configured has no claim on [database], and says so once', () => {
  for (const scheme of ['mysql+pymysql', 'postgresql+psycopg2', 'postgresql', 'mongodb']) {
    const [warning, ...more] = found(`[database]\nconnection = ${scheme}://me:hidden@db/x\n`);
    assert.deepEqual(more, []);
    const hint = scheme.startsWith('postgresql')
      ? 'For records there, set [servicegroup] driver = postgresql; for others, [servicegroup] connection.'
      : 'For records, set [servicegroup] connection.';
    assert.equal(
      warning,
      `portico.ini:2:14: warning: [database] connection: no service records are stored in this database: [servicegroup] driver is not set\n  ${hint}`,
    );
  }
  const named = 'connection = postgresql+psycopg2://me:hidden@db/x\n';
  assert.deepEqual(found(`[servicegroup]\ndriver = postgresql\n[database]\n${named}`), []);
});

test('CF-51 an API that speaks TLS and is not enabled is a warning', () => {
  assert.deepEqual(found('[DEFAULT]\nenabled_apis = a\nenabled_ssl_apis = a, b\n'), [
    'portico.ini:3:23: warning: [DEFAULT] enabled_ssl_apis: names an API that is not enabled: b',
  ]);
});

test('CF-51 a certificate of an API that is served in plain text is a warning', () => {
  const [warning, ...more] = found('[api:a]\nport = 1\nssl_cert_file = cert.pem\nssl_key_file = key.pem\n');
  assert.deepEqual(more, []);
  assert.match(
    warning!,
    /^portico\.ini:3:17: warning: \[api:a\] ssl_cert_file: has no effect: a is served in plain text.*\n {2}add a to \[DEFAULT\] enabled_ssl_apis$/,
  );
  assert.deepEqual(found('[DEFAULT]\nenabled_ssl_apis = a\n[api:a]\nport = 1\nssl_cert_file = cert.pem\n'), []);
});

test('CF-51 the certificate of [ssl] is a warning where every API is served in plain text', () => {
  const ssl = '[ssl]\ncert_file = cert.pem\nkey_file = key.pem\n';
  const [warning, ...more] = found(`${ssl}[api:a]\nport = 1\n[api:b]\nport = 2\n`);
  assert.deepEqual(more, []);
  assert.match(
    warning!,
    /^portico\.ini:2:13: warning: \[ssl\] cert_file: has no effect: every API is served in plain text.*\n {2}write \[DEFAULT\] enabled_ssl_apis = a, b$/,
  );
  assert.deepEqual(found(`[DEFAULT]\nenabled_ssl_apis = b\n${ssl}[api:a]\nport = 1\n[api:b]\nport = 2\n`), []);
  assert.deepEqual(found(ssl), []);
});

test('CF-51 a port beside a path to listen on is a warning', () => {
  assert.deepEqual(found('[api:a]\nlisten = unix:/run/a\nport = 8774\n'), [
    'portico.ini:3:8: warning: [api:a] port: has no effect: listen is unix:/run/a (portico.ini:2:10)\n  remove it, or let listen be a host',
  ]);
  assert.deepEqual(found('[api:a]\nlisten = unix:/run/a\n'), []);
});

test('CF-51 more workers than the memory is for, which only scale refuses, are a warning', () => {
  const issues = found('[api:a]\nworkers = 999999998\n[service:s]\nworkers = 999999999\n').join('\n');
  assert.match(
    issues,
    /^portico\.ini:2:11: warning: \[api:a\] workers: 999999998 workers exceed \d+, one for each 64 MiB/m,
  );
  assert.match(issues, /^portico\.ini:4:11: warning: \[service:s\] workers: 999999999 workers exceed \d+, one for/m);
  assert.deepEqual(found('[api:a]\nworkers = 3\n'), []);
});

test('RP-61 a scheme has a transport for the check exactly if it has one for a call', () => {
  const schemes = [
    'amqp',
    'AMQP',
    'amqp+blue',
    'rabbit',
    'oslo+amqp',
    'oslo+rabbit',
    'memory',
    'amqp+a+b',
    'oslo+blue',
  ];
  const opened = schemes.filter((scheme) => {
    try {
      return checkTransportUrl(`${scheme}://`, new Config());
    } catch {
      return false;
    }
  });
  const checked = schemes.filter((scheme) => found(`[rpc]\ntransport_url = ${scheme}://\n`).length === 0);
  assert.deepEqual(checked, opened);
  assert.deepEqual(opened, ['amqp', 'AMQP', 'amqp+blue', 'rabbit', 'oslo+amqp', 'oslo+rabbit', 'memory']);
});
