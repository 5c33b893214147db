/** The help of every command. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { COMMANDS } from '../../dist/cli/commands.js';
import { completeProgram } from '../../dist/cli/program.js';
import { command } from './command.js';

function run(...words: string[]): string {
  const { status, stdout, stderr } = command(words, { cwd: process.cwd() });
  assert.equal(status, 0, `${words.join(' ')}: ${stderr}`);
  return stdout;
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
