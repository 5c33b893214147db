/** Tests the package as npm packs it, installed with its dependencies but without the optional ones. */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { isAbsolute, join, relative } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compile } from './docs/compiler.js';
import { pack, unpack } from './e2e/packed.js';
import { temporaryFolder } from './fixtures/keeper.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Readonly<Record<string, unknown>>;
  dependencies: Readonly<Record<string, string>>;
};
const entryPoints = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => `portico${path.slice(1)}`);

// Created outside of a hook, because directories created in a hook are removed when the hook ends.
const project = temporaryFolder('portico-package-');
const installed = join(project, 'node_modules', 'portico');
let packed: readonly string[] = [];

before(() => {
  const { tarball, files } = pack(project);
  packed = files;
  unpack(tarball, project, [...Object.keys(manifest.dependencies), '@types/node']);
});
function run(file: string, text: string): SpawnSyncReturns<string> {
  writeFileSync(join(project, file), text);
  return spawnSync(process.execPath, [file], { cwd: project, encoding: 'utf8' });
}

const namesOf = (load: (name: string) => string): string =>
  `console.log(JSON.stringify([${entryPoints.map((name) => `Object.keys(${load(name)}).length`).join()}]));`;

test('a stack names file and line of src, which is in the package, in the log and with --enable-source-maps', () => {
  const text = `import { createLogger } from 'portico';
    import { Mapper } from 'portico/routing';
    try { new Mapper().connect('/a/{id}', { controller: 'c', requirements: { id: '([' } }); } catch (error) {
      console.log(error.stack);
      createLogger({ format: 'json' }).error({ err: error }, 'failed');
    }`;
  const plain = run('stack.mjs', text);
  const mapped = spawnSync(process.execPath, ['--enable-source-maps', 'stack.mjs'], { cwd: project, encoding: 'utf8' });
  const lastLine = plain.stderr.trimEnd().split('\n').at(-1)!;
  const logged = (JSON.parse(lastLine) as { err: { stack: string } }).err.stack;
  for (const stack of [logged, mapped.stdout]) {
    const frames = [...stack.matchAll(/\/node_modules\/portico\/((?:src|lib)\/[^:]+):(\d+):\d+/g)];
    assert.ok(frames.length > 1, `${stack}\n${plain.stderr}${mapped.stderr}`);
    for (const [frame, path, line] of frames) {
      assert.ok(path!.startsWith('src/') && packed.includes(path!), frame);
      const own = readFileSync(join(root, path!), 'utf8').split('\n')[Number(line) - 1];
      assert.match(own!, /\(|new|throw/, frame);
    }
  }
  assert.match(plain.stdout, /portico\/lib\//, 'an application sees its errors as Node makes them');
});

test('each module of the package has its source map, whose sources are in the package', () => {
  const modules = packed.filter((path) => path.startsWith('lib/') && /\.m?js$/.test(path));
  assert.ok(modules.length > 20);
  for (const path of modules) {
    const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, `${path}.map`), 'utf8')) as {
      sources: readonly string[];
      sourcesContent?: unknown;
    };
    assert.equal(sourcesContent, undefined, path);
    for (const source of sources) assert.ok(packed.includes(join(path, '..', source)), `${path}: ${source}`);
  }
});

test('no module of the package makes the namespace of a module of Node: that of node:http loads undici', () => {
  const modules = packed.filter((path) => /^lib\/.*\.m?js$/.test(path));
  const imports = modules.filter((path) =>
    /^(?:import|export)\b.*\bfrom "node:/m.test(readFileSync(join(installed, path), 'utf8')),
  );
  assert.ok(modules.length > 100);
  assert.deepEqual(imports, []);
});

test('every entry point is imported by a module, and required by CommonJS with the same names', () => {
  const imported = run(
    'all.mjs',
    namesOf((name) => `await import('${name}')`),
  );
  assert.equal(imported.stderr, '');
  const required = run(
    'all.cjs',
    namesOf((name) => `require('${name}')`),
  );
  assert.equal(required.status, 0, required.stderr);
  assert.equal(required.stdout, imported.stdout);
});

test('types resolve for modules, for CommonJS and for bundlers, without the optional packages, and all declarations are led to', () => {
  const imports = entryPoints.map((name, at) => `import * as entry${at} from '${name}';`).join('\n');
  const use = `${imports}\nexport const all = [${entryPoints.map((_, at) => `entry${at}`).join()}];\nexport const app: entry0.App = (_req, res) => void res.end();\n`;
  // With node16, TypeScript does not support require() of modules.
  const lazy = "export const load = async (): Promise<string[]> => Object.keys(await import('portico'));\n";
  const shared = { target: 'es2023', lib: ['es2023'], types: ['node'], strict: true, exactOptionalPropertyTypes: true };
  const cases: [files: Readonly<Record<string, string>>, module: string, moduleResolution: string][] = [
    [{ 'use.mts': use, 'lazy.cts': lazy }, 'node16', 'node16'],
    [{ 'use.mts': use, 'use.cts': use }, 'nodenext', 'nodenext'],
    [{ 'use.ts': use }, 'esnext', 'bundler'],
  ];
  for (const [at, [texts, module, moduleResolution]] of cases.entries()) {
    const files = Object.keys(texts);
    for (const file of files) writeFileSync(join(project, file), texts[file]!);
    const compilerOptions = { ...shared, module, moduleResolution, skipLibCheck: at > 0, noEmit: true };
    const settings = join(project, 'tsconfig.json');
    writeFileSync(settings, JSON.stringify({ compilerOptions, files }));
    const [read, said] = listed(compile('-p', settings, '--listFiles'));
    assert.equal(said, '', `${files.join()} under ${module}, ${moduleResolution}`);
    // The package has the declarations that entry points lead to, and no others.
    assert.deepEqual(
      packed.filter((path) => path.endsWith('.d.ts')).toSorted(),
      read
        .map((path) => relative(installed, path))
        .filter((path) => path.startsWith('dist/'))
        .toSorted(),
    );
  }
});

/** The files that the compiler has read, and the other lines that it has printed. */
function listed(printed: string): [files: string[], others: string] {
  const lines = printed.split('\n');
  return [lines.filter((line) => isAbsolute(line)), lines.filter((line) => !isAbsolute(line)).join('\n')];
}

test('an app of portico/app and portico/routing runs from one file that esbuild has made', async () => {
  writeFileSync(
    join(project, 'app.js'),
    `import { createServer } from 'node:http';
    import { Fault } from 'portico/app';
    import { action, Router } from 'portico/routing';
    const body = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } };
    const controller = { create: action({ body }, (request) => ({ hello: request.body.name })), none() { throw new Fault(404); } };
    const router = new Router().connect('/', { controller, action: 'create' }).connect('/none', { controller, action: 'none' });
    const server = createServer(await router.build()).listen(0, async () => {
      const ask = async (path, name) => {
        const answer = await fetch('http://127.0.0.1:' + server.address().port + path, { method: 'POST', body: JSON.stringify({ name }) });
        return answer.status + ' ' + (await answer.text()).slice(0, 40);
      };
      console.log(JSON.stringify([await ask('/', 'a'), await ask('/', 7), await ask('/none', 'a')]));
      process.exit();
    });`,
  );
  const { warnings } = await build({
    absWorkingDir: project,
    entryPoints: ['app.js'],
    outfile: 'bundled.mjs',
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    // The code that CommonJS packages in a module need, according to esbuild's documentation.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
  });
  assert.deepEqual(warnings, []);
  const { stdout, stderr } = spawnSync(process.execPath, ['bundled.mjs'], { cwd: project, encoding: 'utf8' });
  assert.equal(stderr, '');
  const answers = JSON.parse(stdout) as string[];
  assert.equal(answers[0], '200 {"hello":"a"}');
  assert.match(answers[1]!, /^400 /);
  assert.match(answers[2]!, /^404 /);
});

test('without its package, a feature that few need says what to install', () => {
  const sqlite = run(
    'sqlite.mjs',
    "import { openDatabase } from 'portico/sqlite';\ntry { openDatabase(':memory:').close(); console.log('open'); } catch (error) { console.log(error.code, error.hint); }\n",
  );
  const has = isBuiltin('node:sqlite');
  const hint = 'PORTICO_SQLITE_MISSING Run npm install @photostructure/sqlite@1.2, or use Node 22.13 or newer.\n';
  assert.equal(sqlite.stdout, has ? 'open\n' : hint);
  const own = run(
    'metrics.mjs',
    "import { Config } from 'portico';\nimport { metrics } from 'portico/metrics';\nawait metrics(new Config()).catch((error) => console.log(error.code, error.hint));\n",
  );
  const rates = run(
    'rates.mjs',
    "import { rateLimit } from 'portico/middleware';\nimport { buildFilter } from 'portico/testing';\nawait buildFilter(rateLimit, { local: { rules: 'all address 1/s 1', store: 'redis://x' } }).catch((error) => console.log(error.code, error.hint));\n",
  );
  assert.equal(rates.stdout, 'PORTICO_REDIS_MISSING npm install redis@6\n');
  assert.equal(own.stdout, 'PORTICO_PROM_CLIENT_MISSING npm install prom-client@15\n');
});

test('without pino-pretty, which only development needs, a log that is asked for text is JSON, and says what to install', () => {
  const { stderr } = run(
    'text.mjs',
    "import { createLogger } from 'portico';\ncreateLogger({ format: 'text' }).info('hello');\n",
  );
  const lines = stderr.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => (({ level, msg }) => [level, msg])(JSON.parse(line) as Record<string, unknown>)),
    [
      ['warn', 'The log is JSON, because text needs a package: npm install --save-dev pino-pretty'],
      ['info', 'hello'],
    ],
  );
});

test('every page that the README leads to is in the package, but for pictures and pages of contributors and measurements', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const linked = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path!);
  const known = linked.filter(
    (path) =>
      existsSync(join(root, path)) && !/^(?:(?:CONTRIBUTING|MAINTAINERS)\.md$|bench\/|docs\/pictures\/)/.test(path),
  );
  const missing = known.filter((path) => !packed.includes(path));
  assert.deepEqual(missing, []);
});

test('a file of the package that names code which only a clone has says so at its top', () => {
  const naming = packed
    .filter((path) => /^paste\/[^/]+\.ini$/.test(path))
    .map((path) => [path, readFileSync(join(installed, path), 'utf8')] as const)
    .filter(([path, text]) =>
      [...text.matchAll(/= (\.\.?\/[^\s:]+)/g)].some(([, file]) => !existsSync(join(installed, path, '..', file!))),
    );
  assert.deepEqual(
    naming.filter(([, text]) => !/^(?:#.*\n)*?#.*\bclone\b/.test(text)).map(([path]) => path),
    [],
  );
  assert.deepEqual(naming.map(([path]) => path).toSorted(), ['paste/api-paste.ini', 'paste/portico.ini']);
});
