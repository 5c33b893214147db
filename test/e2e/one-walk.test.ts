/** In each process a file is parsed once, and an error is found where the thing is built, once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiCli, emptyProject, Program } from './program.js';

/** Functions of Portico, each with the file of `lib` that has it: their calls are counted. */
const COUNTED = { readPaste: 'base', noSection: 'loader', unknownOption: 'config' };

/** Tells the counts of V8 at the end of each process. */
const counter = `import { Session } from 'node:inspector';
import { writeSync } from 'node:fs';
const counted = ${JSON.stringify(COUNTED)};
const session = new Session();
session.connect();
const post = (method, words) => {
  let answer;
  session.post(method, words, (error, result) => { if (error) throw error; answer = result; });
  return answer;
};
post('Profiler.enable');
post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
process.on('exit', () => {
  const counts = {};
  for (const { url, functions } of post('Profiler.takePreciseCoverage').result)
    for (const { functionName: name, ranges } of functions)
      if (url.includes('/lib/chunks/' + counted[name])) counts[name] = ranges[0].count;
  writeSync(2, '\\ncounted ' + JSON.stringify({ title: process.title, ...counts }) + '\\n');
});`;

const PROJECT = {
  'counter.js': counter,
  'apps.js': `import { appFactory, filterFactory } from 'portico';
import { integer } from 'portico/config';
export const shop = appFactory('shop', { most: integer({ default: 1, help: 'Most.' }) }, () => (req, res) => res.end());
export const plain = filterFactory('plain', { size: integer({ default: 1, help: 'Size.' }) }, () => (app) => app);
`,
  'api-paste.ini': `[composite:shop]
use = egg:Paste#urlmap
/: piped
/more: config:more.ini
[pipeline:piped]
pipeline = palin goods
[filter:plain]
paste.filter_factory = ./apps.js:plain
[app:goods]
paste.app_factory = ./apps.js:shop
[pipeline:blog]
pipeline = plain goods
[app:nobody]
paste.app_factory = ./apps.js:shop
`,
  'more.ini': '[app:main]\npaste.app_factory = ./apps.js:shop\n',
  'portico.ini': `[DEFAULT]
enabled_apis = shop, blog
[api:shop]
port = 0
workers = 1
zport = 1
[api:blog]
port = 0
workers = 1
`,
};

type Counts = Readonly<Record<keyof typeof COUNTED, number>> & { readonly title: string };

/** Runs `api-cli` to its end, and returns the counts of its processes. */
async function counted(folder: string, ...words: string[]): Promise<readonly Counts[]> {
  const program = new Program(process.execPath, [apiCli, ...words], {
    cwd: folder,
    env: { NODE_OPTIONS: '--import=./counter.js' },
  });
  await program.ended;
  return [...program.stderr.matchAll(/^counted (.*)$/gm)].map(([, told]) => JSON.parse(told!) as Counts);
}

/** Says of which process the counts are wrong. */
function text(processes: readonly Counts[]): string {
  return processes.map((each) => JSON.stringify(each)).join('\n');
}

test('one walk: a refused start and a check parse each file once, and find each error once, in each process', async () => {
  const project = emptyProject(PROJECT);
  const started = await counted(project.folder);
  const checked = await counted(project.folder, 'check');
  for (const processes of [started, checked]) {
    // The paste file, and the one that it includes.
    assert.ok(processes.length > 1 && processes.every(({ readPaste }) => readPaste === 2), text(processes));
  }
  const first = started.find(({ title }) => title === 'api-cli: shop worker(0)');
  const child = checked.find(({ noSection }) => noSection > 0);
  for (const { noSection, unknownOption } of [first!, child!]) assert.deepEqual([noSection, unknownOption], [1, 1]);
});
