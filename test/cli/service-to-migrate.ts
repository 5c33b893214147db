/** Services in Python, as folders with paste files and confs, for `api-cli migrate`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyProject } from '../fixtures/project.js';
import { command } from './command.js';

/** A folder with a service, in which commands run; what is written finds Portico there. */
export function service(files: Readonly<Record<string, string>>): (words: string) => ReturnType<typeof command> {
  const { folder } = emptyProject(files);
  here = folder;
  return (words) => command(words.split(' '), { cwd: folder });
}
/** The folder of the last service. */
export let here = '';

/** Returns the text of a file in that folder. */
export const written = (...path: string[]): string => readFileSync(join(here, ...path), 'utf8');

/** Folders whose modules are loaded. */
const checked = new Set<string>();

/** Runs the script `check` of a project, but for the compiler. */
export function check(folder: string): ReturnType<typeof command> {
  const { scripts } = JSON.parse(written(folder, 'package.json')) as { scripts: { check: string } };
  const words = scripts.check.replace(/^tsc && /, '').replace(/^api-cli /, '');
  const cwd = join(here, folder);
  const anew = checked.has(cwd);
  checked.add(cwd);
  return command(words.split(' '), { cwd, anew });
}
