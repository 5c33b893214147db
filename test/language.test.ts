/** Tests comments of the source and pages for rules of plain English that a program can check. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './fixtures/project.js';

const sources = readdirSync(join(root, 'src'), { recursive: true })
  .map(String)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path: `src/${path}`, lines: readFileSync(join(root, 'src', path), 'utf8').split('\n') }));

/** Returns the matching comment lines, as `path:line: text`. */
function commentsWith(pattern: RegExp): string[] {
  return sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );
}

/** Phrases that are wrong in comments, pages and messages, with their replacements. */
const TRANSLATED = new RegExp(
  [
    /\b(?:take|takes|taken|taking|took) (?:(?:it|them|that|this) )?up\b/, // applies, uses, adopts
    /\bstands?\b(?! for\b| still\b|-)/, // is, occurs
    /\ban? [\w-]+ of (?:its|their) own\b/, // its own, a separate
    /\bso long as\b/, // while
    /\b(?:go|goes|going) on with\b/, // continues with
    /\bleaves? \w+ as (?:it|they) w(?:as|ere)\b/, // keeps
    /\bthere is not an?\b/, // there is no
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

/** String literals of one line. Those without a space are names: of modules, fields, events. */
const LITERAL = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g;

/** Returns the literals with text that matches, as `path:line: literal`. Expressions inside a template are not text. */
function literalsWith(pattern: RegExp): string[] {
  return sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, at) => {
      if (/^\s*(?:\/\*\*|\*|\/\/)/.test(line)) return [];
      const literals = line.replace(/\s\/\/\s.*$/, '').match(LITERAL) ?? [];
      return literals
        .filter((literal) => literal.includes(' ') && pattern.test(literal.replaceAll(/\$\{[^}]*\}?/g, '')))
        .map((literal) => `${path}:${at + 1}: ${literal}`);
    }),
  );
}

test('no comment begins with a clause in the place of a noun: name the thing, or begin with a verb', () => {
  assert.deepEqual(commentsWith(/^\s*(?:\/\*\*|\*|\/\/)\s+(?:What|Where|Which|Who)\b/), []);
});

test('no further sentence of a comment does either', () => {
  assert.deepEqual(commentsWith(/^\s*(?:\/\*\*|\*|\/\/)[^`]*\. (?:What|Where|Who) [a-z][^?`]*$/), []);
});

test('no comment has a phrase that reads as translated', () => {
  const phrases = new RegExp(
    `by the way of|in the stead of|makes haste|by and by\\b|\\bwhoever\\b|\\bnobody\\b|of one's own|${TRANSLATED.source}`,
    'i',
  );
  assert.deepEqual(commentsWith(new RegExp(`^\\s*(?:\\/\\*\\*|\\*|\\/\\/).*(?:${phrases.source})`, 'i')), []);
});

const folders = ['docs', 'src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true }).map((path) => `${folder}/${String(path)}`),
);
/** The pages without their code. Generated parts contain help texts of options. */
const pages = ['README.md', 'CONTRIBUTING.md', ...folders]
  .filter((path) => path.endsWith('.md'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return {
      path,
      text: text.replaceAll(/^```[\s\S]*?^```$|^<!-- (?:options|commands)[\s\S]*?^<!-- end -->$/gm, (block) =>
        block.replaceAll(/.+/g, ''),
      ),
    };
  });

/** Returns the matches in pages, as `path:line: text`. */
function pagesWith(pattern: RegExp): string[] {
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(
      ({ 0: found, index }) => `${path}:${text.slice(0, index).split('\n').length}: ${found.trim()}`,
    ),
  );
}

test('no sentence of a page begins with a clause in the place of a noun, unless it asks', () => {
  assert.ok(pages.length > 50, String(pages.length));
  assert.deepEqual(
    pagesWith(/(?:^(?:- |\d+\. |> )?|(?<=[.:;] ))(?:What|Who|Which)\b(?![^.?:|\n]*(?:\n[^.?:|\n]+)?\?).*/gm),
    [],
  );
});

test('no page has a phrase that reads as translated', () => {
  const phrases =
    /\b(?:is|are|was|were|be) told\b|\bthat of\b|\bthose of\b|\bof one's own\b|by the way of|\bnobody\b|\bwhoever\b/gi;
  assert.deepEqual(pagesWith(phrases), []);
  assert.deepEqual(pagesWith(new RegExp(TRANSLATED.source, 'gi')), []);
  assert.deepEqual(pagesWith(/(?:^|(?<=[.:] ))Where (?:an?|the) (?![^.?\n]*\?).*/gm), []);
});

test('pages call an error so, and say that options apply', () => {
  const words =
    /\bmistakes?\b|\b(?:in|into) force\b|\bjudges?\b|\bof (?:its|their) own\b|\bthe answers of\b|\b(?:is|are) told\b/gi;
  assert.deepEqual(pagesWith(words), []);
});

test('no message and no help text has a word that pages avoid', () => {
  const words =
    /\bmistakes?\b|\bin(?:to)? force\b|\bjudg(?:es?|ed|ing)\b|\btold\b|\bof (?:its|their) own\b|\bwhoever\b|\b(?:the|of|all|no|its|their) answers\b/i;
  assert.ok(literalsWith(/\berrors?\b/i).length > 50);
  assert.deepEqual(literalsWith(words), []);
});

test('no paragraph of a page, and no item of a list, has more than 80 words', () => {
  const paragraphs = pages.flatMap(({ path, text }) =>
    text
      .replaceAll(/^\|.*$/gm, '')
      .split(/\n\s*\n|\n(?=\s*(?:-|\d+\.) )/)
      .map((paragraph) => ({ path, paragraph: paragraph.trim(), words: paragraph.match(/\S*\w\S*/g)?.length ?? 0 })),
  );
  assert.ok(paragraphs.length > 500, String(paragraphs.length));
  assert.deepEqual(
    paragraphs
      .filter(({ words }) => words > 80)
      .map(({ path, paragraph, words }) => `${path}: ${words} words: ${paragraph}`),
    [],
  );
});
