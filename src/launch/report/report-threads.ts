/**
 * Where the code of this process stands, as a report shows it.
 */
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { workerStacks } from './worker-stacks.js';

/** More frames than this say nothing more. */
const FRAMES = 40;

/** A larger file is a bundle, whose lines are no help. */
const LARGEST_SOURCE = 1024 * 1024;

/** The main thread's stack, worker threads by number, and what keeps the event loop alive, counted by kind. */
export async function threads(stack: string): Promise<string> {
  const sources = new Sources();
  const resources = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) resources.set(kind, (resources.get(kind) ?? 0) + 1);
  const counted = [...resources].map(([kind, count]) => `  ${kind}: ${count}`);
  const parts = [`------ Thread #0 (main) ------\n${await frames(stack, sources)}`];
  for (const worker of await workerStacks()) {
    const text = worker.stack === undefined ? NOTHING_RUNS : await frames(worker.stack, sources);
    parts.push(`------ Thread #${worker.id} (worker) ------\n${text}`);
  }
  parts.push(`Active resources:\n${counted.length === 0 ? '  none' : counted.join('\n')}`);
  return parts.join('\n\n');
}

const NOTHING_RUNS = '(no JavaScript is running: the event loop, or native code)';

/** `file:line in function`, each with its line of source beneath where that can be read. */
async function frames(stack: string, sources: Sources): Promise<string> {
  const lines = stack
    .split('\n')
    .map((line) => /^\s*at (?:(.*?) \()?(.*?):(\d+)(?::\d+)?\)?$/.exec(line))
    .filter((match) => match !== null)
    .slice(0, FRAMES);
  if (lines.length === 0) return NOTHING_RUNS;
  const texts: string[] = [];
  for (const [, name, file, line] of lines) {
    texts.push(await frame(name ?? '(top level)', file!, Number(line), sources));
  }
  return texts.join('\n');
}

async function frame(name: string, url: string, line: number, sources: Sources): Promise<string> {
  const file = url.startsWith('file:') ? fileURLToPath(url) : url;
  const head = `${file}:${line} in ${name}`;
  const source = file.startsWith('/') ? (await sources.linesOf(file))[line - 1]?.trim() : undefined;
  return source === undefined || source === '' ? head : `${head}\n    \`${source.slice(0, 120)}\``;
}

/** The lines of the files that one report shows, each read once, without holding up the event loop. */
class Sources {
  readonly #files = new Map<string, Promise<readonly string[]>>();

  linesOf(file: string): Promise<readonly string[]> {
    const known = this.#files.get(file) ?? this.#read(file);
    this.#files.set(file, known);
    return known;
  }

  async #read(file: string): Promise<readonly string[]> {
    try {
      if ((await stat(file)).size > LARGEST_SOURCE) return [];
      return (await readFile(file, 'utf8')).split('\n');
    } catch {
      // Gone, or nobody's to read: the place alone has to do.
      return [];
    }
  }
}
