/**
 * Tests that pages, messages, help texts, comments and names of tests have the words that readers search for: "latency", not "time to
 * respond". A word that is right in another sense is not meant: HEAD of HTTP, the rest of a body, a connection slot of PostgreSQL.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type TS from 'typescript';
import { root } from '../fixtures/project.js';
import { ts } from '../fixtures/typescript.js';

/** A wording that no search finds, and the field's word. */
type Word = readonly [not: RegExp, but: string];

/** Words of pages, messages, help texts, comments and the names of tests. */
const EVERYWHERE: readonly Word[] = [
  [/time to respond|99th percentile/gi, 'latency, p99 latency'],
  [/highest rate/gi, 'throughput, load'],
  [/processor time|\b(?:s|ms|µs|seconds) of (?:a )?processor\b|% of a processor/gi, 'CPU time'],
  [/\b[Aa]t rest\b|\*\*Rest\*\*|\bRest:/g, 'idle'],
  [/\b(?:the|its|a|response|request|slow|several|of) [Hh]eads?\b(?! of)/g, 'headers'],
  [/\bsent ahead\b|\bahead of (?:a|its|the) response\b/g, 'pipelined'],
  [/(?<![\w.=/-])(?:TERM|HUP|KILL|INT|USR[12]|TTIN|TTOU)\b(?![\w.])/g, 'SIGTERM, SIGHUP …'],
  [/\b(?:is|are) (?:an? )?[1-5]\d\d\b(?! (?:ms|s|bytes|to)\b)/g, 'responds with 500, gets 404'],
  [/\banswer(?:s|ed|ing)?\b/gi, 'response, responds'],
  [/\b[Hh]eads?\b/g, 'headers'],
  [/\b(?<!in )(?:the|its|their|a|of|same|other|each|every|whose|which|and) places?\b/gi, 'location'],
  [/(?<!\()\bprograms?\b/gi, 'application, process, command'],
  [/(?<!span )\bprocessors\b|\b(?:one|a|another) processor\b/gi, 'CPU, core'],
  [/\bus(?:e|es|ed) (?:the |an? )?(?:answer|response|result)s?(?: to a GET)? again\b/g, 'cache (Cache-Control)'],
  [/\bmistakes?\b/gi, 'error'],
  [/\bjudge[sd]?\b/gi, 'validates, checks'],
  [/\binto force\b/g, 'takes effect, applies'],
  [/\bof (?:its|their|one's) own\b/g, 'separate, own'],
];

/** The launcher's workers have slots, and so have requests under the concurrency limit: comments may have the word beside the code. */
const SLOT: Word = [/(?<!connection )\bslots?\b/gi, 'concurrency limit, request in progress'];

/** Words of pages, messages and help texts. A position in a text is one in comments. */
const SHOWN: readonly Word[] = [...EVERYWHERE, SLOT, [/\bpositions?\b/gi, 'location']];

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');

function filesOf(folder: string, name: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => name.test(file) && !/node_modules|realworld|\/dist\//.test(file))
    .sort();
}

/** Returns the words found in a part of a file, each with its line and the word to write. The part begins at `start`. */
function hits(path: string, words: readonly Word[], text: string, start = 0, file?: string): string[] {
  return words.flatMap(([not, but]) =>
    [...text.matchAll(not)].map(({ 0: found, index }) => {
      const line = (file ?? textOf(path)).slice(0, start + index).split('\n').length;
      return `${path}:${line}: "${found}": write ${but}`;
    }),
  );
}

/** Returns the words found in parts of a file. */
const hitsIn = (path: string, words: readonly Word[], parts: ReadonlyMap<number, string>): string[] =>
  [...parts].flatMap(([start, text]) => hits(path, words, text, start));

/** Returns the words found in comments and names of tests. */
const hitsOfCode = (path: string, parts: ReadonlyMap<number, string>, hasSlots: boolean): string[] =>
  hitsIn(path, hasSlots ? EVERYWHERE : [...EVERYWHERE, SLOT], parts);

/** Prose of a page, without code, addresses and tags. */
const proseOf = (page: string): string =>
  page.replaceAll(/^```.*?^```|`[^`\n]*`|\]\([^)\n]*\)|<[^>\n]*>/gms, (code) => blank(code));

/** True if a file has one of the words anywhere. Others need not be parsed, which takes most of the time. */
const hasWords = (path: string): boolean => {
  const file = textOf(path);
  return SHOWN.some(([not]) => file.search(not) >= 0);
};

interface Parts {
  readonly comments: ReadonlyMap<number, string>;
  readonly texts: ReadonlyMap<number, string>;
  /** Names of tests. */
  readonly names: ReadonlyMap<number, string>;
  /** True if a name of the code has the word slot, as the launcher's have. */
  readonly hasSlots: boolean;
}

const COMMENT = /\/\*.*?\*\/|\/\/[^\n]*/gs;

/** Returns the comments, the texts of several words, and the names of tests, of a file of code: each with its offset. */
function partsOf(path: string): Parts {
  const file = textOf(path);
  const source = ts.createSourceFile(path, file, ts.ScriptTarget.Latest);
  const texts = new Map<number, string>();
  const names = new Map<number, string>();
  const literals: [start: number, end: number][] = [];
  const visit = (node: TS.Node): void => {
    const isText =
      ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);
    if (isText || ts.isRegularExpressionLiteral(node)) literals.push([node.getStart(source), node.end]);
    if (isText) {
      const text = node.getText(source).replaceAll(/<[^>\n]*>|\$\{[^}]*\}/g, (code) => blank(code));
      if (/\w [\w($]|\} \w/.test(node.getText(source))) texts.set(node.getStart(source), text);
    }
    if (ts.isCallExpression(node) && node.expression.getText(source).startsWith('test')) {
      const [name] = node.arguments;
      if (name !== undefined && !ts.isIdentifier(name)) names.set(name.getStart(source), name.getText(source));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  let rest = '';
  for (const [start, end] of literals) {
    if (start < rest.length) continue;
    rest += file.slice(rest.length, start) + blank(file.slice(start, end));
  }
  rest += file.slice(rest.length);
  const comments = [...rest.matchAll(COMMENT)].map(({ 0: text, index }): [number, string] => [
    index,
    text.replaceAll(/`[^`\n]*`/g, (code) => blank(code)),
  ]);
  const hasSlots = /slot/i.test(rest.replaceAll(COMMENT, '')) || path.startsWith('test/launch/');
  return { comments: new Map(comments), texts, names, hasSlots };
}

test('pages have the words that readers search for', () => {
  // Released versions keep their texts.
  const [, changes = ''] = textOf('CHANGELOG.md').split(/^## /m);
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'MAINTAINERS.md',
    ...['docs', 'examples', 'bench', 'src'].flatMap((folder) => filesOf(folder, /\.md$/)),
  ];
  assert.ok(pages.length > 80);
  const found = pages.flatMap((page) => hits(page, SHOWN, proseOf(textOf(page))));
  const ofChanges = hits('CHANGELOG.md', SHOWN, proseOf(changes), textOf('CHANGELOG.md').indexOf(changes));
  assert.deepEqual([...found, ...ofChanges], []);
});

test('messages, help texts and comments have them too', () => {
  const files = [...filesOf('src', /\.ts$/), ...filesOf('paste/init', /\.[jt]s$/)];
  const found = files.filter(hasWords).flatMap((path) => {
    const { comments, texts, hasSlots } = partsOf(path);
    return [...hitsOfCode(path, comments, hasSlots), ...hitsIn(path, SHOWN, texts)];
  });
  assert.deepEqual(found, []);
});

test('comments of tests, benchmarks and examples, and the names of tests, have them too', () => {
  const files = ['test', 'bench', 'examples', 'site'].flatMap((folder) => filesOf(folder, /\.[mc]?[jt]s$/));
  assert.ok(files.length > 900);
  const found = [...files, 'bundle.mjs', 'typedoc.config.mjs'].filter(hasWords).flatMap((path) => {
    if (path === 'test/docs/words.test.ts') return [];
    const { comments, names, hasSlots } = partsOf(path);
    return [...hitsOfCode(path, comments, hasSlots), ...hitsOfCode(path, names, hasSlots)];
  });
  assert.deepEqual(found, []);
});

test('a word that is right in another sense is not meant, and one that is not is named with its line', () => {
  const right =
    'HEAD and GET of a REST API: the rest of the body, in place of another, signal=HUP, SIGTERM, 250 ms, `TERM`, POST /kill, as is.';
  assert.deepEqual(hits('README.md', SHOWN, proseOf(right), 0, right), []);
  const wrong = 'One.\nThe slots wait for TERM, which is a 500.';
  assert.deepEqual(hits('README.md', SHOWN, proseOf(wrong), 0, wrong), [
    'README.md:2: "TERM": write SIGTERM, SIGHUP …',
    'README.md:2: "is a 500": write responds with 500, gets 404',
    'README.md:2: "slots": write concurrency limit, request in progress',
  ]);
});
