/**
 * Where the code of this process stands, as a report shows it.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** More frames than this say nothing more. */
const FRAMES = 40;

/** The main thread's stack, worker threads by number, and what keeps the event loop alive, counted by kind. */
export function threads(stack: string): string {
  const workers = workerThreads().map(({ id, stack }) => `------ Thread #${id} (worker) ------\n${frames(stack)}`);
  const resources = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) resources.set(kind, (resources.get(kind) ?? 0) + 1);
  const counted = [...resources].map(([kind, count]) => `  ${kind}: ${count}`);
  return [
    `------ Thread #0 (main) ------\n${frames(stack)}`,
    ...workers,
    `Active resources:\n${counted.length === 0 ? '  none' : counted.join('\n')}`,
  ].join('\n\n');
}

/** `file:line in function`, each with its line of source beneath where that can be read. */
function frames(stack: string): string {
  const lines = stack
    .split('\n')
    .map((line) => /^\s*at (?:(.*?) \()?(.*?):(\d+)(?::\d+)?\)?$/.exec(line))
    .filter((match) => match !== null)
    .slice(0, FRAMES);
  if (lines.length === 0) return '(the event loop: no JavaScript is running)';
  return lines.map(([, name, file, line]) => frame(name ?? '(top level)', file!, Number(line))).join('\n');
}

function frame(name: string, url: string, line: number): string {
  const file = url.startsWith('file:') ? fileURLToPath(url) : url;
  const head = `${file}:${line} in ${name}`;
  if (!file.startsWith('/')) return head;
  try {
    const source = readFileSync(file, 'utf8').split('\n')[line - 1]?.trim();
    return source === undefined || source === '' ? head : `${head}\n    \`${source.slice(0, 120)}\``;
  } catch {
    return head;
  }
}

/** Node's own report knows the worker threads; without network facts, whose host names would be looked up meanwhile. */
function workerThreads(): { id: number; stack: string }[] {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  if (!('excludeNetwork' in report)) return [];
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    const { workers = [] } = report.getReport() as {
      workers?: { header: { threadId: number }; javascriptStack?: { message?: string; stack?: string[] } }[];
    };
    return workers.map(({ header, javascriptStack }) => ({
      id: header.threadId,
      stack: (javascriptStack?.stack ?? []).join('\n'),
    }));
  } finally {
    report.excludeNetwork = before ?? false;
  }
}
