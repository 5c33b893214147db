/**
 * What `--help` and `--version` answer.
 */
import { PorticoError } from '../../errors/index.js';
import { type Flag, standardFlags } from './command-line.js';

/** Somebody asked for help or the version instead of a start: print `text` and end with status 0. */
export class HelpRequested extends PorticoError {
  readonly text: string;

  constructor(text: string) {
    super('PORTICO_HELP', { message: text });
    this.text = text;
  }
}

/** The arguments of a program: the standard ones and the flags of its options. */
export function helpText(prog: string, flags: ReadonlyMap<string, Flag>): string {
  const own = [...flags]
    .filter(([, flag]) => flag.fixed === undefined)
    .map(([name, { target, option }]): [string, string] => {
      const metavar = option.type === 'boolean' ? '' : ` ${option.spec.metavar ?? target.opt.toUpperCase()}`;
      return [`${name}${metavar}`, option.help];
    });
  const rows = [...standardFlags, ...own];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `Usage: ${prog} [arguments]\n\n${rows.map(([name, help]) => `  ${name.padEnd(width)}  ${help}`).join('\n')}\n`;
}
