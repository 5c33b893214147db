import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, type ConfigError, defineOptions, integer, list, path, string, uri } from 'portico/config';
import { printDiagnostic } from '#internal/config';

const defaults = defineOptions({
  host: string({ default: 'here', help: 'x' }),
  unset: string({ help: 'x' }),
  number: integer({ default: 7, help: 'x' }),
  old_name: string({ default: '', help: 'x', aliases: ['other_name'] }),
});
const options = defineOptions({
  url: string({ default: '', help: 'x' }),
  next: string({ default: '', help: 'x' }),
  count: integer({ default: 0, help: 'x' }),
  password: string({ default: '', secret: true, help: 'x' }),
  connection: string({ default: '', secret: true, help: 'x' }),
});

function read(text: string) {
  const config = Config.fromText(text);
  config.register('DEFAULT', defaults);
  config.register('other.group', options);
  return config.group('app', options);
}

function refused(text: string): string {
  try {
    read(text);
  } catch (error) {
    return (error as ConfigError).message;
  }
  throw new assert.AssertionError({ message: 'was accepted' });
}

test('CF-27 references look in their own group, then in DEFAULT, then where they say', () => {
  const written: Record<string, string> = {
    'http://$host/': 'http://here/',
    '${host}name': 'herename',
    $next: 'own',
    '$DEFAULT.number': '7',
    '${other.group.url}': 'far',
    '$host.example.org': 'here.example.org',
    '[$unset]': '[]',
    $other_name: 'same',
    '${other-name}': 'same',
    '$host-$DEFAULT.number-$unset': 'here-7-',
    '$$host \\$host 5$ ^a$ $1': '$host $host 5$ ^a$ $1',
    none: 'none',
  };
  const more = '[DEFAULT]\nother-name = same\n[other.group]\nurl = far\n';
  for (const [text, value] of Object.entries(written)) {
    assert.equal(read(`[app]\nurl = ${text}\nnext = own\n${more}`).url, value, text);
  }
});

test('CF-27 the result is parsed with the type of the option that refers', () => {
  assert.equal(read('[app]\ncount = 1$number\n').count, 17);
  assert.match(refused('[app]\ncount = $host\n'), /\[app\] count: should be an integer; got \$host/);
});

test('CF-27 references are followed to their end; a cycle is named', () => {
  assert.equal(read('[DEFAULT]\nhost = $old_name\nold_name = $$x\n[app]\nurl = <$host>\n').url, '<$x>');
  assert.match(
    refused('[app]\nurl = a $next\nnext = $url\n'),
    /portico\.ini:2:7: error: \[app\] url: refers to itself: app\.url → app\.next → app\.url; got a \$next/,
  );
});

test('references that double with each option end with an error that names the first', () => {
  const doubling = (last: string): string =>
    Array.from({ length: 40 }, (_, at) => `v${at} = ${at < 39 ? `$v${at + 1}$v${at + 1}` : last}\n`).join('');
  for (const last of ['x', ''])
    assert.match(
      refused(`[DEFAULT]\n${doubling(last)}[app]\nurl = $v0\n`),
      /portico\.ini:43:7: error: \[app\] url: has more than 1000 references, with those of the options that it refers to/,
    );
  const long = `[DEFAULT]\na = ${'x'.repeat(100_000)}\nb = ${'$a'.repeat(11)}\n[app]\nurl = $b\n`;
  assert.match(refused(long), /\[app\] url: has more than 1048576 characters/);
});

const paths = defineOptions({
  state_path: path({ default: '/var/lib/app', help: 'x' }),
  lock_path: path({ default: '$state_path/locks', help: 'x' }),
  port: integer({ default: 80, help: 'x' }),
  public_port: integer({ default: '$port', max: 99, help: 'x' }),
  names: list({ default: 'a, $DEFAULT.host', help: 'x' }),
  price: string({ default: '$$5', help: 'x' }),
  anchored: string({ default: '^a$', help: 'x' }),
  key: string({ default: '$$5', secret: true, help: 'x' }),
});

function readPaths(text: string) {
  const config = Config.fromText(text);
  config.register('DEFAULT', defaults);
  return { config, values: config.group('paths', paths) };
}

test('CF-27 a default in text refers to other options, as a value of a file does', () => {
  const { values, config } = readPaths('');
  const { lockPath, publicPort, names, price, anchored, key } = values;
  assert.deepEqual([lockPath, publicPort, names], ['/var/lib/app/locks', 80, ['a', 'here']]);
  assert.deepEqual([price, anchored, key], ['$5', '^a$', '$$5']);
  assert.equal(config.getLocation('paths', 'lock_path').kind, 'default');
  const written = readPaths('[paths]\nstate_path = /srv\nport = 81\nlock_path =\nprice = $lock_path\n');
  assert.deepEqual([written.values.lockPath, written.values.publicPort], ['/srv/locks', 81]);
  assert.equal(written.values.price, '');
  assert.deepEqual(readPaths('[paths]\nlock_path = /run\n').config.resolve('paths', 'lock_path').shadowed, []);
  const local = new Map([['lock_path', { value: '' }]]);
  assert.equal(config.group('paths', paths, { local }).lockPath, '/var/lib/app/locks');
});

test('CF-27 an empty value in a section of a paste file means the same with a default that refers as with another', () => {
  const { config } = readPaths('[paths]\nlock_path = /run\nprice = 7\nnames = b\nstate_path = /srv\n');
  const local = new Map(['lock_path', 'price', 'names'].map((name) => [name, { value: ' ' }]));
  const { lockPath, price, names } = config.group('paths', paths, { local });
  assert.deepEqual([lockPath, price, names], ['/srv/locks', ' ', []]);
});

test('CF-27 CF-60 an error in a default that refers is reported like one in a file', () => {
  assert.throws(() => readPaths('[paths]\nport = 100\n'), /\[paths\] public_port: should be ≤ 99; got \$port/);
  const looping = defineOptions({ a: string({ default: '$b', help: 'x' }), b: string({ default: '$a', help: 'x' }) });
  assert.throws(() => new Config().group('loop', looping), /loop\.a → loop\.b → loop\.a/);
  const unknown = defineOptions({ a: string({ default: '$c', help: 'x' }) });
  assert.throws(() => new Config().group('loop', unknown), /unknown option 'c' referenced by \[loop\] a/);
});

test('CF-28 an unknown option is named, at its location in the value', () => {
  assert.equal(
    refused('[app]\nurl = one\n  two $hots\n'),
    "portico.ini:3:7: error: [app] url: unknown option 'hots' referenced by [app] url; got one\\ntwo $hots\n  did you mean 'host'?",
  );
  const nearest = (text: string): string | undefined => /\n {2}(.*)/.exec(refused(text))?.[1];
  assert.equal(nearest('[app]\nnext = $urll\n'), "did you mean 'url'?");
  assert.equal(nearest(`[other.group]\nurl = x\n[app]\nurl = $${'{other.group.uri}'}\n`), "did you mean 'url'?");
  assert.match(refused('[app]\nurl = a$bc\n'), /unknown option 'bc' referenced by \[app\] url/);
  assert.match(refused('[app]\nurl = ${a\n'), /without a closing brace/);
  assert.match(refused(`[app]\nurl = $${'{}'}\n`), /names no option/);
});

test('CF-28 an unknown option that several values reach is named once, where it is written', () => {
  assert.equal(
    refused('[app]\nurl = a $next\nnext = $urll\nconnection = interpolate:$next\n'),
    "portico.ini:3:8: error: [app] next: unknown option 'urll' referenced by [app] next; got $urll\n  did you mean 'url'?",
  );
  const all = (text: string): string[] => {
    const config = Config.fromText(text);
    config.register('DEFAULT', defaults);
    config.register('app', options);
    return config.problems({ complete: false }).map((each) => printDiagnostic(each, { showLine: false }));
  };
  const said = (where: string, name: string) =>
    `portico.ini:${where}: unknown option '${name}' referenced by [app] next; got $${name}\n  `;
  // Neither url nor what leads to it may be meant: next would refer to itself.
  assert.deepEqual(all('[DEFAULT]\nhost = $app.url\n[app]\nurl = $next\nnext = $urll\n'), [
    `${said('5:8: error: [app] next', 'urll')}did you mean 'url'?`,
  ]);
  assert.deepEqual(all('[DEFAULT]\nhost = $app.url\n[app]\nurl = x\nnext = $hots\n'), [
    `${said('5:8: error: [app] next', 'hots')}did you mean 'host'?`,
  ]);
  assert.deepEqual(all('[DEFAULT]\nhost = $app.url\n[app]\nurl = $next\nnext = $hots\n'), [
    `${said('5:8: error: [app] next', 'hots')}did you mean 'host'?`,
  ]);
});

test('CF-29 CF-118 a secret has no references unless it asks for them, and $$ is a dollar sign in it as everywhere', () => {
  const passwords = { a$bc: 'a$bc', a$$b: 'a$b', 'a\\$b$': 'a$b$', $$$$: '$$', '$host${x': '$host${x' };
  for (const [text, value] of Object.entries(passwords)) {
    assert.equal(read(`[app]\npassword = ${text}\n`).password, value, text);
    assert.equal(read(`[app]\npassword = ${text}\nconnection = interpolate:<$password>\n`).connection, `<${value}>`);
  }
  assert.equal(
    read('[app]\npassword = s\nconnection = interpolate:pg://u:$password@$host\n').connection,
    'pg://u:s@here',
  );
});

test('CF-29 an option that is no secret cannot refer to one', () => {
  const message = refused('[app]\npassword = hunter2\nurl = $password\n');
  assert.match(message, /\[app\] url: refers to the secret \[app\] password, which would reveal it/);
  assert.doesNotMatch(message, /hunter2/);
});

test('CF-29 a URI that may hold a secret and names an option after a $ is reported: without user and query an error', () => {
  const found = (database: string, rest = ''): string[] => {
    const config = Config.fromText(`[db]\ndatabase = ${database}\n${rest}`);
    config.register('DEFAULT', defaults);
    config.register('db', defineOptions({ database: uri({ secret: true, help: 'x' }) }));
    return config.problems({ complete: false }).map((each) => printDiagnostic(each));
  };
  const said =
    '[db] database: has the name of an option after a $, which is not replaced: this option may hold a password';
  const hint = 'write interpolate: in front of the value to have it replaced, or $$ for a dollar sign';
  for (const text of [
    'sqlite:////$host/x.db',
    'sqlite:///$host.db',
    `sqlite:///$${'{DEFAULT.host}'}/x.db`,
    `sqlite:///$${'{old-name}'}`,
  ]) {
    assert.deepEqual(found(text), [`portico.ini:2:12: error: ${said}\n  ${hint}`], text);
  }
  assert.deepEqual(found('pg://u:hid$host@db/x'), [`portico.ini:2:12: warning: ${said}\n  ${hint}`]);
  for (const text of [
    'sqlite:///$other/x.db',
    'sqlite:///$$host/x.db',
    'interpolate:sqlite:///$host',
    'pg://u:a$b${@db/x',
  ]) {
    assert.deepEqual(found(text), [], text);
  }
});
