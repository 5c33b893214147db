#!/usr/bin/env node
/**
 * `api-cli`: one program. It listens to the signals before anything else is loaded, when it is to serve.
 */
import { holdSignals } from '../early-signals.js';

const words = process.argv.slice(2);
const [first] = words;
if (first === undefined || first.startsWith('-') || first === 'serve') holdSignals();

const { runCommand } = await import('./program.js');
const status = await runCommand(words);
if (status !== undefined) process.exitCode = status;
