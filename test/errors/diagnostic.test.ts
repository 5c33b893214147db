import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Diagnostic,
  inOrder,
  loadFailure,
  locationInFile,
  markedLine,
  printDiagnostic,
  printDiagnostics,
} from '../../dist/errors/index.js';
import { originAt } from '../../dist/ini/index.js';

const at = (file: string, line: number, column: number, message = 'is wrong'): Diagnostic => ({
  severity: 'error',
  code: 'PORTICO_X',
  location: locationInFile({ file, line, column }),
  message,
});

test('a diagnostic is one line as compilers write it, and the hint another', () => {
  const location = locationInFile(originAt('a.ini', 2, 8, 'port = x'));
  const found: Diagnostic = {
    severity: 'error',
    code: 'PORTICO_X',
    location,
    section: 'wsgi',
    option: 'port',
    message: 'should be a number',
    got: '',
    hint: 'write one',
  };
  const text = "a.ini:2:8: error: [wsgi] port: should be a number; got ''\n  write one";
  assert.equal(printDiagnostic(found, { showLine: false }), text);
  assert.equal(printDiagnostic(found), `${text}\n    port = x\n           ^`);
  assert.equal(
    printDiagnostic({ ...found, note: 'thrown at b.js:1:1' })
      .split('\n')
      .at(-1),
    '  thrown at b.js:1:1',
  );
});

test('locations outside of files are reported in words, and a default is none', () => {
  const found = { severity: 'warning', code: 'PORTICO_X', message: 'is odd' } as const;
  const printed = (kind: 'environment' | 'command_line' | 'default', detail: string): string =>
    printDiagnostic({ ...found, location: { kind, detail } });
  assert.equal(printed('environment', 'PORTICO_A__B'), 'env PORTICO_A__B: warning: is odd');
  assert.equal(printed('command_line', 'argument 2'), 'command line, argument 2: warning: is odd');
  assert.equal(printed('default', 'default'), 'warning: is odd');
});

test('passwords and what moves a cursor are not printed', () => {
  const message = 'no answer from pg://u:hunter2@h/ \u009b31m';
  assert.equal(
    printDiagnostic(at('a.ini', 1, 1, message)),
    'a.ini:1:1: error: no answer from pg://u:****@h/ \\u009b31m',
  );
});

test('a location, an option and a note are each one line, whatever they hold', () => {
  const forged = '\na.ini:1:1: error: forged\u001b[2J';
  const found: Diagnostic = {
    severity: 'warning',
    code: 'PORTICO_X',
    location: { kind: 'file', detail: `b.ini${forged}` },
    section: `wsgi${forged}`,
    option: `port${forged}`,
    message: 'is odd',
    note: `thrown at b.js:1:1${forged}`,
  };
  const shown = String.raw`\na.ini:1:1: error: forged\u001b[2J`;
  assert.equal(
    printDiagnostic(found),
    `b.ini${shown}: warning: [wsgi${shown}] port${shown}: is odd\n  thrown at b.js:1:1${shown}`,
  );
});

test('the caret stands under the column, keeps tabs, and shows no secret', () => {
  assert.equal(markedLine(originAt('a.ini', 1, 8, 'port = x')), '    port = x\n           ^');
  const long = markedLine(originAt('a.ini', 1, 500_001, `${'a'.repeat(500_000)}b${'c'.repeat(500_000)}`))!;
  assert.equal(long, `    …${'a'.repeat(119)}b${'c'.repeat(120)}…\n    ${' '.repeat(120)}^`);
  assert.equal(markedLine(originAt('a.ini', 1, 3, '\tport')), '    \tport\n    \t ^');
  assert.equal(markedLine({ file: 'a.ini', line: 1, column: 1 }), undefined);
  assert.equal(markedLine(originAt('a.ini', 1, 1, 'password = x', { option: 'password' })), undefined);
  assert.equal(markedLine(originAt('a.ini', 1, 1, 'x = redis://u:pass@h')), '    x = redis://u:****@h\n    ^');
});

test('a list has each once, by file as they come first, line and column; what stands in no file is first', () => {
  const nowhere: Diagnostic = { severity: 'error', code: 'PORTICO_X', message: 'is wrong' };
  const list = [at('b', 2, 1), at('a', 9, 1), at('b', 1, 5), at('b', 1, 4), at('a', 9, 1), nowhere];
  assert.deepEqual(
    inOrder(list).map(({ location }) => location?.detail),
    [undefined, 'b:1:4', 'b:1:5', 'b:2:1', 'a:9:1'],
  );
});

test('a list has the reason why a module cannot be loaded once, and its other locations in a line each', () => {
  const at = (line: number, { message, reason }: Pick<Diagnostic, 'message' | 'reason'>): Diagnostic => ({
    severity: 'error',
    code: 'PORTICO_PASTE_NO_MODULE',
    location: locationInFile({ file: 'p.ini', line, column: 1, text: 'x = ./app.js:x' }),
    message,
    reason,
    hint: 'Repair it.',
  });
  const broken = loadFailure('./app.js', 'Unexpected token, at /app.js:1:2');
  const all = [
    at(1, broken),
    at(2, { ...broken, message: `./app.js:x: ${broken.message}` }),
    at(3, loadFailure('./b.js', 'no')),
  ];
  assert.deepEqual(printDiagnostics(all, { showLine: false }).split('\n'), [
    'p.ini:1:1: error: "./app.js" cannot be loaded: Unexpected token, at /app.js:1:2',
    '  Repair it.',
    'p.ini:2:1: error: ./app.js:x: "./app.js" cannot be loaded: as above',
    'p.ini:3:1: error: "./b.js" cannot be loaded: no',
    '  Repair it.',
  ]);
  assert.equal(printDiagnostics(all).split('\n').length, 9);
});
