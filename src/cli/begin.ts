/**
 * First step of `api-cli`: decides whether a command line serves, and so which modules are loaded and how signals are handled.
 */
import { startAhead } from '../launch/internal.js';
import { holdSignals, optionVariables } from '../process/index.js';
import { isOneProcess } from '../service/internal.js';
import { commandFirst, serveArguments } from './command-line.js';
import { COMMANDS } from './commands.js';
import { loadServed } from './configured/load-configuration.js';
import type { ServeLine } from './program.js';

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
    const args = serves ? serveArguments(words) : undefined;
    const line = args && { args, config: loadServed(args) };
    if (line !== undefined && (await startsWorkers(line))) {
      // A configuration most likely has this prefix; if the list differs, the worker is started anew.
      const withheld = Object.keys(optionVariables(process.env, 'PORTICO'));
      startAhead({ host: process, withheld, shown: () => argv });
    }
    const { runCommand } = await import('./program.js');
    await runCommand(words, serves, line);
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

/** Reports whether a line most likely starts a worker of an API: it does not select services only, and there are workers. */
async function startsWorkers({ args, config }: ServeLine): Promise<boolean> {
  if (args.enabledServices !== undefined && args.enabledApis === undefined) return false;
  try {
    return !isOneProcess(await config) || args.dev === true;
  } catch {
    // `serve` reports it.
    return false;
  }
}
