/** The native compiler, which checks the code of pages in a tenth of the time of the one in JavaScript. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../fixtures/project.js';

/** Compiles the code of a page, as {@link errorsIn}. */
export function errorsOf(programs: readonly string[]): string {
  return errorsIn(Object.fromEntries(programs.map((text, at) => [`${at}.mts`, text])));
}

/** Compiles files, by path, under the options of the package, which are the strictest. Returns the errors. */
export function errorsIn(files: Readonly<Record<string, string>>): string {
  // Below the package, where `portico/…` is found.
  const folder = mkdtempSync(join(root, 'dist-test/compiled-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const forPages = { rootDir: root, noEmit: true, incremental: false, tsBuildInfoFile: null };
    const compilerOptions = { ...forPages, allowImportingTsExtensions: true };
    const settings = { extends: join(root, 'tsconfig.json'), compilerOptions, include: Object.keys(files) };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    return compile('-p', folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the compiler. Returns what it prints. */
export function compile(...words: readonly string[]): string {
  const compiler = join(root, 'node_modules/typescript-7/bin/tsc');
  return spawnSync(process.execPath, [compiler, '--checkers', '1', ...words], {
    encoding: 'utf8',
    cwd: root,
    // It is in Go, and collects garbage for a fifth of its time with the default.
    env: { GOGC: '400', ...process.env },
  }).stdout;
}
