import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, type ConfigError, defineOptions, integer, printDiagnostic, string, uri } from 'portico/config';

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

test('CF-28 an unknown option is named, at its place in the value', () => {
  assert.equal(
    refused('[app]\nurl = one\n  two $hots\n'),
    "portico.ini:3:7: error: [app] url: unknown option 'hots' referenced by [app] url; got one\\ntwo $hots\n  did you mean 'host'?",
  );
  assert.match(refused('[app]\nurl = a$bc\n'), /unknown option 'bc' referenced by \[app\] url/);
  assert.match(refused('[app]\nurl = ${a\n'), /without a closing brace/);
  assert.match(refused(`[app]\nurl = $${'{}'}\n`), /names no option/);
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

test('CF-29 a URI that may hold a secret and names an option after a $ is told: without user and query an error', () => {
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
    'sqlite:///$old-name',
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
