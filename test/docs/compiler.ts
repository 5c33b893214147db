/** The native compiler, which checks programs of pages in a tenth of the time of the one in JavaScript. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../fixtures/project.js';

/** Compiles programs of a page under the options of the package, which are the strictest. Returns the errors. */
export function errorsOf(programs: readonly string[]): string {
  // Below the package, where `portico/…` is found.
  const folder = mkdtempSync(join(root, 'dist-test/compiled-'));
  try {
    for (const [at, text] of programs.entries()) writeFileSync(join(folder, `${at}.mts`), text);
    const compilerOptions = { rootDir: root, noEmit: true, incremental: false, tsBuildInfoFile: null };
    const settings = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.mts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    return compile('-p', folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the compiler. Returns what it prints. */
export function compile(...words: readonly string[]): string {
  const compiler = join(root, 'node_modules/typescript-7/bin/tsc');
  return spawnSync(process.execPath, [compiler, ...words], { encoding: 'utf8', cwd: root }).stdout;
}
