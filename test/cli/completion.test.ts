/** The help of every command, and completion in real shells. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { COMMANDS } from '../../dist/cli/commands.js';
import { completeProgram } from '../../dist/cli/program.js';
import { emptyProject } from '../fixtures/project.js';
import { command } from './command.js';

function run(...words: string[]): string {
  const { status, stdout, stderr } = command(words, { cwd: process.cwd() });
  assert.equal(status, 0, `${words.join(' ')}: ${stderr}`);
  return stdout;
}

const scripts = new Map<string, string>();
/** The completion script for a shell. */
function script(shell: string): string {
  const text = scripts.get(shell) ?? run('completion', shell);
  scripts.set(shell, text);
  return text;
}

test('OP-17 the help of api-cli begins with an example, and has the options of serving', () => {
  const help = run('--help');
  const at = (text: string): number => {
    assert.ok(help.includes(text), `${text} in\n${help}`);
    return help.indexOf(text);
  };
  assert.ok(at('Example:\n  api-cli --enabled-apis') < at('Options:'));
  assert.ok(at('--enabled-apis <names>') < at('Commands:'));
  assert.ok(at('--config-file <path>') < at('Commands:'));
});

test('OP-17 every command, on every level, has an example of itself in its help', async () => {
  const walk = (command: Command, path: readonly string[]): number => {
    let help = '';
    const writeOut = (text: string): void => {
      help += text;
    };
    command.configureOutput({ writeOut }).outputHelp();
    if (path.length > 0) assert.match(help, new RegExp(`\nExample:\n +.*api-cli ${path.join(' ')}`), help);
    return command.commands.reduce((sum, inner) => sum + walk(inner, [...path, inner.name()]), 1);
  };
  assert.ok(walk(await completeProgram(), []) > COMMANDS.size);
  assert.match(run('config', 'show', '--help'), /\nExample:\n +.*api-cli config show/);
});

test('completion has the commands of the extensions of a configuration', () => {
  const { folder } = emptyProject({
    'own.ini': '[DEFAULT]\nextensions = ./own.js\n',
    'own.js':
      "export const extension = { name: 'own', commands: { spool: async () => ({ register: (program) => program.command('spool') }) } };\n",
  });
  const { status, stdout, stderr } = command(['completion', 'bash', '--config-file', 'own.ini'], { cwd: folder });
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /\bspool\b/);
});

/** The completions of bash after these words, in a folder with a file `own.ini`. */
function bashOffers(words: readonly string[]): string[] {
  const { folder } = emptyProject({ 'own.ini': '' });
  writeFileSync(join(folder, 'script.sh'), script('bash'));
  const list = ['api-cli', ...words].map((word) => `'${word}'`).join(' ');
  const program = `source ./script.sh; COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _api_cli; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', program], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.trim().split('\n').sort();
}

test('OP-17 CF-101 bash completes commands, options, choices and files', () => {
  assert.deepEqual(bashOffers(['ro']), ['routes']);
  assert.deepEqual(bashOffers(['config', 's']), ['show']);
  assert.deepEqual(bashOffers(['--config-file', 'own.ini', 'pipe']), ['pipeline']);
  assert.deepEqual(bashOffers(['pipeline', '--format', '']), ['dot', 'json', 'mermaid', 'text']);
  assert.deepEqual(bashOffers(['service', 'list', '--state', 'u']), ['unknown', 'up']);
  assert.deepEqual(bashOffers(['log-level', 'de']), ['debug']);
  assert.deepEqual(bashOffers(['routes', '--ma']), ['--match']);
  assert.deepEqual(bashOffers(['--enabled']), ['--enabled-apis', '--enabled-services', '--enabled-ssl-apis']);
  assert.deepEqual(bashOffers(['check', 'ow']), ['own.ini']);
  assert.deepEqual(bashOffers(['routes', '--config-file', 'o']), ['own.ini']);
  // An argument that the script cannot complete, then the name of a command as such an argument.
  assert.deepEqual(bashOffers(['routes', '--api', '']), ['']);
  assert.deepEqual(bashOffers(['routes', '--api', 'check', '--ma']), ['--match']);
  assert.deepEqual(bashOffers(['completion', 'z']), ['zsh']);
});

test('OP-17 bash goes into folders and takes names with blanks as one', () => {
  const { folder } = emptyProject({ 'script.sh': script('bash'), 'etc/portico.ini': '', 'two words.ini': '' });
  // The line as readline completes it from what was typed.
  const typed = (line: string): string => {
    const input = `source ./script.sh\napi-cli() { printf '<%s>' "$@"; }\n${line}\nexit\n`;
    return spawnSync('bash', ['--norc', '-i'], { cwd: folder, input, encoding: 'utf8' }).stdout;
  };
  assert.match(typed('api-cli check et\tpor\t'), /<check><etc\/portico\.ini>/);
  assert.match(typed('api-cli check two\t'), /<check><two words\.ini>/);
  assert.match(typed('api-cli --config-file two\\ w\t'), /<--config-file><two words\.ini>/);
});

function installed(shell: string): string | false {
  return spawnSync(shell, ['--version']).status === 0 ? false : `${shell} is not installed here`;
}

test('OP-17 CF-101 zsh completes commands, options, choices and files', { skip: installed('zsh') }, () => {
  const { folder } = emptyProject({ 'script.zsh': run('completion', 'zsh') });
  const offers = (...words: string[]): string => {
    const list = ['api-cli', ...words].map((word) => `'${word}'`).join(' ');
    // Stubs that print the arguments of zsh's completion functions.
    const stubs = `compdef() { : }; _describe() { print -l -- "\${(@P)@[-1]}" }; _files() { print FILES }`;
    const program = `${stubs}; source ./script.zsh; words=(${list}); CURRENT=${words.length + 1}; _api_cli`;
    const { status, stdout, stderr } = spawnSync('zsh', ['-f', '-c', program], { cwd: folder, encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
    return stdout;
  };
  assert.match(offers(''), /^routes:show the routes/m);
  assert.match(offers('config', ''), /^show:/m);
  assert.equal(offers('pipeline', '--format', ''), 'text\nmermaid\ndot\n');
  assert.match(offers('routes', ''), /^--match:/m);
  assert.match(offers('check', ''), /^FILES$/m);
  assert.equal(offers('routes', '--config-file', ''), 'FILES\n');
});

test('OP-17 CF-101 fish completes commands, options, choices and files', { skip: installed('fish') }, () => {
  const { folder } = emptyProject({ 'script.fish': run('completion', 'fish'), 'own.ini': '' });
  const offers = (line: string): string[] => {
    const program = `source ./script.fish; complete -C '${line}'`;
    const { status, stdout, stderr } = spawnSync('fish', ['--no-config', '-c', program], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [0, '']);
    return stdout
      .trim()
      .split('\n')
      .map((offer) => offer.split('\t', 1)[0]!)
      .sort();
  };
  assert.deepEqual(offers('api-cli rou'), ['routes']);
  assert.deepEqual(offers('api-cli config s'), ['show']);
  assert.deepEqual(offers('api-cli pipeline --format '), ['dot', 'mermaid', 'text']);
  assert.deepEqual(offers('api-cli routes --ma'), ['--match']);
  assert.deepEqual(offers('api-cli log-level de'), ['debug']);
  assert.ok(offers('api-cli check ow').includes('own.ini'));
});
