/**
 * Runs the tests of `examples/` as readers do, with the packed package: `npm run test:examples [NAME…]`. All examples share one
 * installation and this machine's npm cache.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const examples = join(root, 'examples');
const wanted = process.argv.slice(2);
const names = readdirSync(examples, { withFileTypes: true })
  // `compute` is no separate project: it is served by a clone.
  .filter((entry) => existsSync(join(examples, entry.name, 'package.json')))
  .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  .map(({ name }) => name);
if (names.length === 0) throw new Error(`There is no example ${wanted.join(', ')}.`);

/** Packs the package, unless `.ci/run` has done so. */
function pack() {
  const words = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  return join(folder, execFileSync('npm', words, { cwd: root }).toString().trim().split('\n').at(-1));
}

const folder = mkdtempSync(join(tmpdir(), 'portico-examples-'));
try {
  const { PORTICO_TEST_TARBALL: tarball = pack() } = process.env;
  const manifests = names.map((name) => JSON.parse(readFileSync(join(examples, name, 'package.json'), 'utf8')));
  const dependencies = Object.assign({}, ...manifests.flatMap((each) => [each.dependencies, each.devDependencies]));
  dependencies.portico = `file:${tarball}`;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  });

  const failed = names.filter((name) => {
    cpSync(join(examples, name), join(folder, name), { recursive: true });
    // What `npm test` runs, without the start of npm.
    const { scripts } = manifests[names.indexOf(name)];
    const { status, stdout, stderr } = spawnSync('sh', ['-c', scripts.test], {
      cwd: join(folder, name),
      env: { ...process.env, PATH: [join(folder, 'node_modules/.bin'), process.env.PATH].join(delimiter) },
      encoding: 'utf8',
      timeout: 120_000,
    });
    console.log(`${status === 0 ? 'passed' : 'FAILED'}  ${name}`);
    if (status !== 0) console.log(`${stdout}\n${stderr}`);
    return status !== 0;
  });
  process.exitCode = failed.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
