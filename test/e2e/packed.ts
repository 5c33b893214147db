/** The package as it would be published, and npm as users run it. */
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { type Outcome, root } from './program.js';

/** Packs the package; `.ci/run` has done so once. Returns the path of the tarball and the files in it. */
export function pack(folder: string): { tarball: string; files: string[] } {
  const { PORTICO_TEST_TARBALL: packed } = process.env;
  if (packed !== undefined) {
    const tarball = join(folder, basename(packed));
    copyFileSync(packed, tarball);
    const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' });
    return { tarball, files: [...listed.matchAll(/^package\/(.+)$/gm)].map(([, path]) => path!) };
  }
  const report = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const parsed: unknown = JSON.parse(report);
  const [entry] = Array.isArray(parsed) ? parsed : Object.values(parsed as object);
  const { filename, files } = entry as { filename: string; files: { path: string }[] };
  return { tarball: join(folder, filename), files: files.map(({ path }) => path) };
}

/** Unpacks the tarball into `node_modules/portico` of a folder, beside packages of the clone. */
export function unpack(
  tarball: string,
  folder: string,
  packages: readonly string[] = readdirSync(join(root, 'node_modules')),
): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'portico'), { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', join(modules, 'portico'), '--strip-components=1']);
  for (const name of packages) {
    if (name.startsWith('.')) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
}

/** An environment in which `node` is this binary. */
export function environmentOf(node: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_TEST_CONTEXT: undefined, PATH: [dirname(node), process.env.PATH].join(delimiter) };
}

/** Runs npm until it exits. */
export function npm(folder: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  return new Promise((settle) => {
    execFile('npm', words, { cwd: folder, env }, (error, stdout, stderr) => {
      settle({ status: error === null ? 0 : (error.code as number), stdout, stderr });
    });
  });
}

/** The network error code in npm's output, if it could not reach a registry. */
export function registryFailure(said: string): string | undefined {
  return /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/.exec(said)?.[0];
}

/** Runs `npm install` with these arguments. Returns false and skips the test if no registry is reachable. */
export async function install(
  t: TestContext,
  folder: string,
  words: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<boolean> {
  const { status, stderr } = await npm(
    folder,
    ['install', '--no-audit', '--no-fund', '--prefer-offline', ...words],
    env,
  );
  if (status === 0) return true;
  const unreachable = registryFailure(stderr);
  if (unreachable === undefined) throw new Error(`npm install ${words.join(' ')}\n${stderr}`);
  t.skip(`no registry of packages can be reached: ${unreachable}`);
  return false;
}

/** A Node that runs TypeScript: the running one, or Node 24 from npm. Undefined, with the test skipped, if neither is available. */
export async function typeScriptNode(t: TestContext): Promise<string | undefined> {
  if ((process.features as { readonly typescript?: string | false }).typescript) return process.execPath;
  const { PORTICO_TEST_SHARED: shared = temporaryFolder('portico-node-') } = process.env;
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(shared, name);
  const node = join(folder, 'node_modules', name, 'bin', 'node');
  // The first file that needs it installs it; others wait.
  if (existsSync(folder)) {
    await until(
      () => existsSync(join(folder, 'package-lock.json')) || !existsSync(folder),
      (isOver) => isOver,
    );
    if (existsSync(folder)) return node;
  }
  mkdirSync(folder);
  // Without a package.json npm would use a parent folder as the project.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  if (await install(t, folder, [`${name}@24`])) return node;
  rmSync(folder, { recursive: true });
  return undefined;
}
