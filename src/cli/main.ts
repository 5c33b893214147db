#!/usr/bin/env node
/**
 * `api-cli`: one program. It listens to the signals before anything else is loaded, when it is to serve.
 */
import { holdSignals } from '../process/index.js';
import { COMMAND_NAMES, commandFirst, readServeWords } from './command-line.js';

const words = commandFirst(process.argv.slice(2), COMMAND_NAMES);
const [first] = words;
const serves = first === undefined || first.startsWith('-') || first === 'serve';
if (serves) holdSignals();

if (serves && Symbol.for('portico.worker') in process) {
  // The parent has understood the command line: a worker starts 15 ms sooner without the parser of it.
  const { serveInWorker } = await import('./serve.js');
  process.exitCode = await serveInWorker(words);
} else {
  const { runCommand } = await import('./program.js');
  const status = await runCommand(words, serves ? readServeWords(words) : undefined);
  if (status !== undefined) process.exitCode = status;
}
