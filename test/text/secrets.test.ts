import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looksSecret, maskAssigned, maskUnread, maskUris } from '../../dist/text/secrets.js';

test('names whose values are secrets', () => {
  const secrets =
    'api_key apikey apiKey API-KEY X-Api-Key sig signature X-Amz-Signature passwd pwd password user_pass adminPass token token[] ' +
    'token[0] user[password] tokens access_token accessToken X-Auth-Token credential X-Amz-Credential credentials jwt access_key ' +
    'accesskey AWSAccessKeyId_secret X-Auth-Password cache_secret_key private_key client_secret sessionid PHPSESSID session ' +
    'password2 new.password passphrase bearer otp auth authorization cookie x_api_key_v2 ApiKeyV2 apikeyv2 API_KEY_2 DBPASS ' +
    'dbPass2 MYSQLPWD SECRET_KEY_BASE token_value password_hash password_confirmation';
  for (const name of secrets.split(' ')) assert.equal(looksSecret(name), true, name);
  const plain =
    'name key key_file cert_file token_expiration password_file design config compass bypass sign author keys limit marker ' +
    'public_key sort_key user tokenize secretary passive encompass trespass OLDPWD base value api_v2 text hash database';
  for (const name of ['', ...plain.split(' ')]) assert.equal(looksSecret(name), false, name);
});

test('a password of a URI is masked, whatever it holds', () => {
  const masked: [string, string][] = [
    ['amqp://u:p@h/', 'amqp://u:****@h/'],
    ['see postgres://u:p/q@h/db, and more', 'see postgres://u:****@h/db, and more'],
    ['amqp://u:p@h1,amqp://v:q@h2/', 'amqp://u:****@h1,amqp://v:****@h2/'],
    ['redis://:p@h', 'redis://:****@h'],
    ['a+b://u:p:q@r@h?x=1', 'a+b://u:****@h?x=1'],
    ['redis://:6379@h', 'redis://:****@h'],
    ['postgres://h/db?user=u&password=p&sslmode=on', 'postgres://h/db?user=u&password=****&sslmode=on'],
    ['"http://u:p@h"', '"http://u:****@h"'],
    ["amqp://rabbit:it's@host/", 'amqp://rabbit:****@host/'],
    ["amqp://it's:me@host/", "amqp://it's:****@host/"],
    ["'amqp://u:p@host/'", "'amqp://u:****@host/'"],
    ['amqp://u:a<b>c"d@host/', 'amqp://u:****@host/'],
    ["amqp://u:p@x'y@host/", 'amqp://u:****@host/'],
    ["amqp://u:12'34@host/", 'amqp://u:****@host/'],
    ["http://u:12'34@host/", 'http://u:****@host/'],
    ['amqp://u:pa ss @host/', 'amqp://u:****@host/'],
    ['amqp://u:p@h/\nask a@b', 'amqp://u:****@h/\nask a@b'],
    ['postgres://u:12345/abc@host', 'postgres://u:****@host'],
    ['postgres://h:5432/db?mail=a@b&password=p', 'postgres://h:****@b&password=****'],
    ['https://ghp_0123456789@github.com/x.git', 'https://****@github.com/x.git'],
    ['https://ghp_01234567890123456789:x-oauth-basic@h/', 'https://****:****@h/'],
    ['amqp://0123456789abcdefghij@h/', 'amqp://****@h/'],
    ['https://h/#access_token=abc&state=1', 'https://h/#access_token=****&state=1'],
    ["https://h/?a=1#x?token=it's, so", 'https://h/?a=1#x?token=**** so'],
    ["'https://h/?token=abc'", "'https://h/?token=****'"],
  ];
  for (const [text, shown] of masked) assert.equal(maskUris(text), shown);
  for (const text of [
    'http://h:80/a@b',
    'http://h/a:b@c',
    'postgres://u@h/db',
    'see http://h:8080, or ask a@b',
    '{"url":"http://h:80","mail":"a@b"}',
    'file:///a:b@c',
    'a:b@c',
    '://',
    'no address',
    'http://h:80',
  ]) {
    assert.equal(maskUris(text), text);
  }
});

test('a switch or a small number of an option that is not declared is no secret', () => {
  for (const shown of ['delay_auth_decision = true', 'timeout: 30']) assert.equal(maskAssigned(shown), shown);
  assert.equal(maskAssigned('greeting = hello'), 'greeting = ****');
  assert.equal(maskAssigned('password = 12345'), 'password = ****');
  assert.equal(maskAssigned('number = 4111111111111111'), 'number = ****');
});

test('a broken line shows a section header without its end, and the name of a common option without "="', () => {
  assert.equal(maskAssigned('[filter:read_only'), '[filter:read_only');
  assert.equal(maskAssigned('[filter:read only secret'), '[filter:****');
  assert.equal(maskUnread('[filter:read_only'), '[filter:read_only');
  assert.equal(maskUnread('pipeline catch_errors request_id'), 'pipeline ****');
  for (const hidden of ['hunter2word', 'password hunter2word', 'pipeline', 'appsecret word'])
    assert.equal(maskUnread(hidden), '****');
});
