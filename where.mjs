#!/usr/bin/env node
// Finds the file of src for an option, a metric, an error code, a command or a phrase: npm run where -- drain_idle
//
// It reads the comments, declarations and texts of src, so that there is no index to keep.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));

/** Words that say nothing about a file. */
const EMPTY = new Set(
  'a an and are as at be been but by can do does each every for from get gets has have here how if in into is it its made make me must new no not of on one or other own same that the their them then there they this to use used was what when where which who whose why will with without'.split(
    ' ',
  ),
);
/** Words of questions, and the words that the code also has for them. */
const ALSO = new Map(
  Object.entries({
    answer: 'response',
    args: 'arguments',
    cert: 'certificate',
    config: 'configuration',
    db: 'database',
    endpoint: 'route',
    error: 'fault mistake',
    field: 'template',
    http: 'request',
    keep: 'hold',
    kept: 'hold',
    kill: 'end silent',
    mean: 'effect',
    meaning: 'effect',
    missing: 'lacks',
    param: 'parameter',
    refuses: 'mistake undeclared',
    shape: 'render',
    sighup: 'signal',
    sigterm: 'signal',
    unknown: 'undeclared',
    url: 'path',
    websocket: 'upgrade',
    yaml: 'ini',
  }).map(([word, also]) => [stemOf(word), wordsOf(also)]),
);

/** How much a word counts by its place in a file. */
const WEIGHTS = { path: 5, first: 7, declared: 3, comment: 1.2, text: 0.7 };

/** Returns the files of src that answer best, the best first: `{ file, line, about }`. */
export function where(question, count = 3) {
  const written = (question.match(/[\w-]*[_A-Z-][\w-]*/g) ?? []).filter((name) =>
    /_|[a-z][A-Z][a-z]|[A-Z]{2}[a-z]|[a-z]-[A-Z]/.test(name),
  );
  const asked = [...new Set(wordsOf(question).flatMap(wordsIn))];
  const also = new Set(asked.flatMap((word) => ALSO.get(word) ?? []).filter((word) => !asked.includes(word)));
  const all = files();
  // A name that many files have says little.
  const names = written.map((name) => {
    const score = new Map(all.map((file) => [file, nameScore(file, name)]));
    return { name, score, rare: Math.min(1, 12 / [...score.values()].filter((each) => each > 0).length) };
  });
  const known = new Map([...asked, ...also].map((word) => [word, all.filter(({ counts }) => counts.has(word)).length]));
  return all
    .map((file) => {
      const line = Math.max(0, ...names.map(({ name }) => placeOf(file, name)));
      let score = names.reduce((sum, { score: of, rare }) => sum + of.get(file) * rare, 0);
      for (const word of [...asked, ...also]) {
        const weight = file.counts.get(word) ?? 0;
        if (weight > 0)
          score +=
            (also.has(word) ? 0.4 : 1) *
            Math.log(1 + all.length / known.get(word)) *
            (weight / (weight + 1.5 + file.size / 30));
      }
      const named = file.name.filter((word) => asked.includes(word));
      score +=
        named.reduce((sum, word) => sum + Math.log(1 + all.length / known.get(word)), 0) *
        (named.length / file.name.length) *
        0.4;
      return { file, score, line };
    })
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score)
    .slice(0, count)
    .map(({ file, line }) => ({ file: file.path, line: line || 1, about: file.about }));
}

/** An option or metric is declared, an error code is thrown where its name stands in quotes or as a key. */
function nameScore({ text }, name) {
  const quoted = escaped(name);
  if (new RegExp(`^\\s*'?${quoted}'?: (?:[a-z]\\w*\\(|\\{)`, 'm').test(text)) return 30;
  if (
    new RegExp(
      `(?:super|Error|Fault|Refused|counter|histogram|gauge|metric|function|class|const|interface)\\w*[ (]+'?${quoted}\\b`,
      'i',
    ).test(text)
  )
    return 25;
  if (new RegExp(`(?:new \\w+\\(\\s*|code: |name: |\\(\\s*|^\\s*)'${quoted}'`, 'm').test(text)) return 12;
  const inCode = name.replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase());
  if (inCode !== name && new RegExp(`\\b${inCode}(?:Ms|S)?\\b`).test(text)) return 6;
  // Code has the names of headers in small letters.
  if (name.includes('-')) return new RegExp(`'${quoted}'`, 'i').test(text) ? 9 : 0;
  return new RegExp(`\\b${quoted}\\b`).test(text) ? 5 : 0;
}

function placeOf({ text }, name) {
  const at = text.search(new RegExp(`(?:^\\s*'?|')${escaped(name)}\\b`, 'm'));
  return at < 0 ? 0 : text.slice(0, at + 1).split('\n').length;
}

function escaped(name) {
  return name.replaceAll(/[^\w]/g, '\\$&');
}

/** Returns a word if the code has it, else the words that begin with it: `postgres` gives postgresql. */
function wordsIn(word) {
  const isKnown = files().some(({ counts }) => counts.has(word));
  const all = isKnown ? [] : files().flatMap(({ counts }) => [...counts.keys()]);
  return isKnown ? [word] : [...new Set(all)].filter((known) => known.startsWith(word));
}

let read;

function files() {
  read ??= readdirSync(join(root, 'src'), { recursive: true })
    .map((path) => `src/${String(path).replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !/\/(?:index|internal)\.ts$/.test(path))
    .sort()
    .map(fileOf);
  return read;
}

function fileOf(path) {
  const text = readFileSync(join(root, path), 'utf8');
  const counts = new Map();
  let size = 0;
  const add = (part, weight) => {
    for (const word of wordsOf(part)) {
      counts.set(word, (counts.get(word) ?? 0) + weight);
      size += 1;
    }
  };
  const comments = [...text.matchAll(/\/\*\*(.*?)\*\/|^\s*\/\/(.*)$/gms)].map(([, long, short]) =>
    (long ?? short).replaceAll(/^\s*\*/gm, ' ').trim(),
  );
  const [first = ''] = comments;
  const declared = [
    ...text.matchAll(
      /^(?:export )?(?:default )?(?:abstract )?(?:async )?(?:function|class|const|interface|type|enum) (\w+)/gm,
    ),
  ];
  add(path.replace(/^src\/|\.ts$/g, ''), WEIGHTS.path);
  add(first, WEIGHTS.first);
  for (const [, name] of declared) add(name, WEIGHTS.declared);
  for (const comment of comments.slice(1)) add(comment, WEIGHTS.comment);
  for (const [, quoted] of text.matchAll(/['`]([^'`\n]{3,})['`]/g)) add(quoted, WEIGHTS.text);
  return {
    path,
    text,
    counts,
    name: [...new Set(wordsOf(path.replace(/^.*\/|\.ts$/g, '')))],
    size: Math.sqrt(size) * 4,
    about: first.split(/(?<=\.)\s/)[0].replaceAll(/\s+/g, ' '),
  };
}

/** Returns the words of a text without their endings, names also in parts: `WebSockets refused` gives websocket, web, socket, refus. */
function wordsOf(text) {
  return (text.match(/[A-Za-z\d]+/g) ?? [])
    .flatMap((name) => {
      const parts = name.replaceAll(/([a-z])([A-Z][a-z])/g, '$1 $2').split(' ');
      return parts.length > 1 ? [name, ...parts] : parts;
    })
    .map((word) => word.toLowerCase())
    .filter((word) => word.length > 1 && !EMPTY.has(word))
    .map(stemOf);
}

function stemOf(word) {
  if (word.length < 5) return word.replace(/(?<=..)s$/, '');
  const stem = word.replace(/(?:ations?|ings?|ions?|ers?|ors?|ies|ied|ed|es|s|e|y)$/, '');
  return stem.length < 3 ? word : stem.replace(/(.)\1$/, '$1');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const question = process.argv.slice(2).join(' ');
  if (question === '') {
    console.error("Usage: npm run where -- 'an option, a metric, an error code, a command or a phrase'");
    process.exit(2);
  }
  const found = where(question);
  for (const { file, line, about } of found) console.log(`${file}:${line}  ${about}`);
  if (found.length === 0) console.error('No file has these words.');
  process.exit(found.length > 0 ? 0 : 1);
}
