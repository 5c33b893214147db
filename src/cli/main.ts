#!/usr/bin/env node
/**
 * `api-cli`: one program. It listens to the signals before anything else is loaded, when it is to serve.
 */
import { holdSignals } from '../process/index.js';
import { commandFirst } from './command-line.js';
import { COMMANDS } from './commands.js';

const words = commandFirst(process.argv.slice(2), [...COMMANDS.keys()]);
const [first] = words;
const serves = first === undefined || first.startsWith('-') || first === 'serve';
if (serves) holdSignals();

if (serves && Symbol.for('portico.worker') in process) {
  // The parent has understood the command line, and its configuration comes from there: a worker starts 15 ms sooner.
  const { serve } = await import('./serve.js');
  process.exitCode = await serve({ dev: words.includes('--dev'), traceErrors: words.includes('--trace-errors') });
} else {
  const { runCommand } = await import('./program.js');
  await runCommand(words, serves);
}
