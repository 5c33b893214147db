import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { module, oneOf, path, regexp, string, uri } from 'portico/config';
import { InvalidValue } from '#internal/config';
import { temporaryFolder } from '../../fixtures/keeper.js';

test('CF-30 text has choices, a pattern, a length; empty text is a value', () => {
  assert.equal(string({ default: 'x' }).parse(''), '');
  assert.equal(string().parse('  spaces stay  '), '  spaces stay  ');
  assert.equal(string({ choices: ['Keystone', 'noauth'], ignoreCase: true }).parse('keystone'), 'Keystone');
  assert.throws(() => string({ choices: ['a', 'b'] }).parse('A'), /should be one of a, b/);
  assert.throws(() => string({ regex: /^v\d+$/ }).parse('2.1'), /should match \/\^v\\d\+\$\//);
  assert.equal(string({ regex: /^v\d+$/gu, ignoreCase: true }).parse('V2'), 'V2');
  assert.throws(() => string({ maxLength: 2 }).parse('abc'), /at most 2 characters/);
});

test('CF-64 a choice names the choices and the nearest one', () => {
  const method = oneOf({ reload: 'New workers.', mutate: 'In place.' }, { default: 'reload' });
  assert.equal(method.parse(' mutate '), 'mutate');
  assert.throws(
    () => method.parse('relaod'),
    (error: InvalidValue) =>
      error instanceof InvalidValue &&
      error.message === 'should be one of reload, mutate' &&
      error.hint === "did you mean 'reload'?",
  );
  assert.throws(() => method.parse(''), /must not be empty/);
  const level = oneOf(['trace', 'warn', 'error', 'TLSv1', 'TLSv1.3']);
  const hintFor = (text: string): unknown => {
    try {
      return level.parse(text);
    } catch (error) {
      return (error as InvalidValue).hint;
    }
  };
  assert.equal(hintFor('WARNING'), "did you mean 'warn'?");
  assert.equal(hintFor('err'), "did you mean 'error'?");
  assert.equal(hintFor('TLSv1.33333'), undefined);
  assert.equal(hintFor('wa'), undefined);
  assert.equal(oneOf(['', 'a'], { default: 'a' }).parse(''), '');
});

test('CF-42 a URI is absolute, of a scheme, of a length', () => {
  assert.equal(uri().parse('amqp://rabbit:pw@host/'), 'amqp://rabbit:pw@host/');
  assert.throws(() => uri().parse('/relative'), /should be an absolute URI/);
  for (const text of ['keystone:5000/v3', 'localhost:80', 'broker:5672?x']) {
    assert.throws(() => uri().parse(text), { message: 'should be an absolute URI', hint: /put http:\/\// }, text);
  }
  assert.equal(uri({ schemes: ['tel'] }).parse('tel:112'), 'tel:112');
  assert.throws(() => uri({ schemes: ['http', 'https'] }).parse('ftp://x'), /scheme http or https/);
  assert.throws(() => uri({ maxLength: 8 }).parse('http://long'), /at most 8/);
  assert.throws(() => uri().parse(''), /must not be empty/);
});

test('CF-43 a path expands ~, may have to exist, be of a kind and be closed to others', () => {
  const folder = temporaryFolder('portico-path-');
  const file = join(folder, 'key.pem');
  writeFileSync(file, 'x');
  assert.equal(path().parse('~/x'), join(homedir(), 'x'));
  assert.equal(path().parse('~x'), '~x');
  assert.equal(path({ default: '/a' }).parse(''), '/a');
  assert.throws(() => path({ mustExist: true }).parse(join(folder, 'no')), /no such file/);
  assert.throws(() => path({ kind: 'dir' }).parse(file), /should be a directory/);
  assert.throws(() => path({ kind: 'file' }).parse(folder), /should be a file/);
  for (const text of ['/a\nb', '/a\rb', '/a\0b']) assert.throws(() => path().parse(text), /line break/, 'AT-12');
  chmodSync(file, 0o644);
  assert.equal(path({ mode: 0o600 }).warning?.(file), "the file's mode is 644, more open than 600");
  chmodSync(file, 0o400);
  assert.equal(path({ mode: 0o600 }).warning?.(file), undefined);
  assert.equal(path({ mode: 0o600 }).warning?.('key.pem', join(folder, 'portico.ini')), undefined);
  chmodSync(file, 0o444);
  // A relative path is relative to its configuration file.
  assert.match(path({ mode: 0o600 }).warning?.('key.pem', join(folder, 'portico.ini')) ?? '', /mode is 444/);
  assert.equal(path({ mode: 0o600 }).warning?.('no.pem', join(folder, 'portico.ini')), undefined);
});

test('CF-44 regular expressions and modules', () => {
  assert.match('v21', regexp().parse('^v\\d+$')!);
  assert.throws(() => regexp().parse('('), /should be a regular expression/);
  assert.equal(module().parse('./drivers/disk.js:Disk'), './drivers/disk.js:Disk');
  for (const text of ['two words', 'x.js:', '']) assert.throws(() => module().parse(text), InvalidValue);
});
