/**
 * The modules of an application: those that this process has loaded, without those of packages and of Portico, and the one that is loading.
 */
import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { readFileSync, statSync } from 'node:fs';
import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { isOwnFile } from './own-files.js';

/** Returns the paths of the modules of the application that this process has loaded. */
export function programPaths(): string[] {
  return [...new Set(programScripts().map(([url]) => fileURLToPath(url)))];
}

/**
 * Returns the files whose text is another one than that which the process has loaded and still runs. Of TypeScript, whose loaded text is not
 * that of the file, those that were written after the process started.
 */
export function changedProgramFiles(): string[] {
  const changed = programScripts().flatMap(([url, hash]) => {
    const path = fileURLToPath(url);
    return isChanged(path, hash) ? [path] : [];
  });
  return [...new Set(changed)];
}

/** Reports whether a file has been written since the start with another text. False if it is gone or no longer accessible. */
function isChanged(path: string, hash: string): boolean {
  try {
    if (statSync(path).mtimeMs <= performance.timeOrigin) return false;
    if (/\.[cm]?ts$/.test(path)) return true;
    // V8's hash is that of the text in UTF-8. Node removes a byte order mark, except from CommonJS that a module imports.
    const text = readFileSync(path, 'utf8');
    return [text, text.replace(/^\uFEFF/, '')].every(
      (each) => createHash('sha256').update(each).digest('hex') !== hash,
    );
  } catch {
    return false;
  }
}

/**
 * Lists the scripts by the inspector, the only interface of Node that reports ECMAScript modules. Empty if the inspector is not
 * available.
 */
function programScripts(): (readonly [url: string, hash: string])[] {
  const found = new Map<string, string>();
  const session = new Session();
  try {
    session.connect();
    session.on('Debugger.scriptParsed', ({ params: { url, hash } }) => {
      if (url.startsWith('file:') && !isLibrary(fileURLToPath(url))) found.set(url, hash);
    });
    // Reports all scripts before it returns; the debugger is off again when the session ends.
    session.post('Debugger.enable');
  } catch {
    return [];
  } finally {
    session.disconnect();
  }
  return [...found];
}

function isLibrary(path: string): boolean {
  return /[/\\]node_modules[/\\]/.test(path) || isOwnFile(path);
}

/** The name of the channel of `node:diagnostics_channel`, which keeps publisher and subscriber independent. */
const CHANNEL = 'portico.loading';

interface Step {
  readonly over: boolean;
  /** The same object at the beginning and the end of a step. */
  readonly what: { readonly text: () => string };
}

/** Runs a step of loading, and publishes its beginning and end if there are subscribers. */
export async function whileLoading<T>(text: () => string, work: () => T | PromiseLike<T>): Promise<T> {
  const steps = channel(CHANNEL);
  if (!steps.hasSubscribers) return work();
  const what = { text };
  steps.publish({ over: false, what } satisfies Step);
  try {
    return await work();
  } finally {
    steps.publish({ over: true, what } satisfies Step);
  }
}

/** Subscribes to the channel. The returned function gives the text of the innermost step in progress, or undefined. */
export function watchLoading(): () => string | undefined {
  const current = new Set<Step['what']>();
  channel(CHANNEL).subscribe((message) => {
    const { over, what } = message as Step;
    if (over) current.delete(what);
    else current.add(what);
  });
  return () => [...current].at(-1)?.text();
}
