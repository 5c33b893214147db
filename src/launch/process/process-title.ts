/**
 * The titles under which `ps` shows a launch.
 */
import { commandName } from '../../config/index.js';
import type { HostProcess } from './host-process.js';

/** `<prog>: master process [<arguments>]`; of arguments that are masked already. */
export function masterTitle(prog: string, args: readonly string[]): string {
  const shown = args.join(' ');
  return `${prog}: master process${shown === '' ? '' : ` [${shown}]`}`;
}

/** `<prog>: <service> worker(<id>)`. */
export function workerTitle(prog: string, service: string, id: number): string {
  return `${prog}: ${service} worker(${id})`;
}

/**
 * Gives the process that title. The system has only so much room for one as the command line took: what is longer keeps
 * its closing bracket, with `...` before it, and an argument list of which nothing is left goes with its brackets.
 */
export function setTitle(host: Pick<HostProcess, 'title'>, title: string): void {
  host.title = title;
  // The cut may have gone through a letter.
  const kept = host.title.replace(/\uFFFD+$/, '');
  if (kept === title || !title.startsWith(kept)) return;
  const closing = title.at(-1) ?? '';
  const opening = { ']': ' [', ')': '(' }[closing];
  const at = opening === undefined ? -1 : title.indexOf(opening);
  if (at === -1) return;
  const cut = kept.slice(0, Math.max(0, kept.length - `...${closing}`.length));
  host.title = cut.length > at + (opening?.length ?? 0) ? `${cut}...${closing}` : kept.slice(0, at);
}

/** The command's name, as its package has it; else the name of its main module without ending. */
export function programName(host: HostProcess): string {
  return commandName(host.argv) || 'portico';
}
