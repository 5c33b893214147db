/**
 * The first step of `api-cli`: whether a command line serves, which decides what is loaded and what a signal means.
 */
import { startAhead } from '../launch/internal.js';
import { holdSignals, optionVariables } from '../process/index.js';
import { commandFirst, serveArguments } from './command-line.js';
import { COMMANDS } from './commands.js';

/** Runs the program, with its words. `release` ends the hold that it has had on signals so far. */
export async function begin(argv: readonly string[], release: ReturnType<typeof holdSignals>): Promise<void> {
  const words = commandFirst(argv, [...COMMANDS.keys()]);
  const [first] = words;
  const serves = first === undefined || first.startsWith('-') || first === 'serve';
  if (serves) holdSignals();
  else release({ raise: true });

  if (serves && Symbol.for('portico.worker') in process) {
    // The parent has understood the command line, and its configuration comes from there: a worker starts 15 ms sooner.
    const { serve } = await import('./serve.js');
    const [dev, traceErrors] = [words.includes('--dev'), words.includes('--trace-errors')];
    const groups = words.filter((_, at) => words[at - 1] === '--groups');
    process.exitCode = await serve({ dev, traceErrors, groups });
  } else {
    // A configuration has this prefix, most likely: with another list the worker is started anew.
    const withheld = Object.keys(optionVariables(process.env, 'PORTICO'));
    if (serves && servesApis(words)) startAhead({ host: process, withheld, shown: () => argv });
    const { runCommand } = await import('./program.js');
    await runCommand(words, serves);
  }
}

/** Whether a line has nothing but options of `serve`, and does not ask for services alone. With `--dev` the inspector's port comes first. */
function servesApis(words: readonly string[]): boolean {
  const args = serveArguments(words);
  return (
    args !== undefined && args.dev !== true && (args.enabledServices === undefined || args.enabledApis !== undefined)
  );
}
