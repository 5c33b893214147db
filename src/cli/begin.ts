/**
 * First step of `api-cli`: decides whether a command line serves, and so which modules are loaded and how signals are handled.
 */
import { startAhead } from '../launch/internal.js';
import { holdSignals, optionVariables } from '../process/index.js';
import { commandFirst, serveArguments } from './command-line.js';
import { COMMANDS } from './commands.js';

/** Runs the command with its arguments. `release` ends the hold on signals. */
export async function begin(argv: readonly string[], release: ReturnType<typeof holdSignals>): Promise<void> {
  const words = await withCommandFirst(argv);
  const [first] = words;
  const serves = first === undefined || first.startsWith('-') || first === 'serve';
  if (serves) holdSignals();
  else release({ raise: true });

  if (serves && Symbol.for('portico.worker') in process) {
    // The parent has parsed the command line and sends the configuration: a worker starts 15 ms sooner.
    const { serve } = await import('./serve/serve.js');
    const [dev, traceErrors] = [words.includes('--dev'), words.includes('--trace-errors')];
    process.exitCode = await serve({ dev, traceErrors });
  } else {
    // A configuration most likely has this prefix; if the list differs, the worker is started anew.
    const variables = optionVariables(process.env, 'PORTICO');
    const withheld = Object.keys(variables);
    const isOneProcess = variables.PORTICO_DEFAULT__WORKERS?.trim() === '0';
    if (serves && servesApis(words) && !isOneProcess) startAhead({ host: process, withheld, shown: () => argv });
    const { runCommand } = await import('./program.js');
    await runCommand(words, serves);
  }
}

/** Returns the words with the command at the front. One after an option that only a command knows may be a command of an extension. */
async function withCommandFirst(argv: readonly string[]): Promise<readonly string[]> {
  const isCore = (word: string): boolean => COMMANDS.has(word);
  const words = commandFirst(argv, isCore);
  if (words[0] === commandFirst(argv, () => true)[0]) return words;
  const { commands } = await (await import('./commands-of-extensions.js')).extensionCommands(argv);
  return commandFirst(argv, (word) => isCore(word) || commands.has(word));
}

/** Returns true if a line has only options of `serve`, and does not select services only. */
function servesApis(words: readonly string[]): boolean {
  const args = serveArguments(words);
  return args !== undefined && (args.enabledServices === undefined || args.enabledApis !== undefined);
}
