/**
 * Names of errors for operators: class, code, message and place, without any text of a client.
 *
 * A message is text of the program with values in it, and the values may be a client's. So a word of it is shown only if
 * the file in which the error was created contains it, or if it is one of those that V8 writes.
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ignoreErrors, shownPath } from '../../errors/index.js';
import { isOwnFile } from '../../process/index.js';
import { maskUris } from '../../text/index.js';

/** Most errors of a chain of causes. */
const CAUSES = 3;
const MOST_CHARACTERS = 200;
/** Of a message. */
const MOST_WORDS = 40;
/** A larger file is a bundle, which has all words. */
const LARGEST_SOURCE = 1024 * 1024;
/** Most files whose words are kept. */
const FILES = 20;
const OMITTED = '…';

/** Returns the error with its causes, outermost first, and the innermost place in the application. */
export function describeFailure(error: unknown): { readonly error: string; readonly place: string | undefined } {
  const chain: unknown[] = [];
  for (let each = error; each !== undefined && chain.length < CAUSES && !chain.includes(each); each = causeOf(each)) {
    chain.push(each);
  }
  const frames = chain.flatMap(framesOf);
  const { file, line } =
    frames.find((frame) => isOfApplication(frame.file)) ?? frames.find((frame) => !isOwnFile(frame.file)) ?? {};
  return {
    error: chain.map(named).join(', caused by ').slice(0, MOST_CHARACTERS),
    place: file === undefined ? undefined : `${shownPath(file)}:${line}`,
  };
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

interface Frame {
  readonly file: string;
  readonly line: string;
}

/** Returns the frames in files, innermost first. */
function framesOf(error: unknown): Frame[] {
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack : '';
  return [...stack.matchAll(FRAME)].map(([, url, line]) => ({
    file: url!.startsWith('file:') ? (ignoreErrors(() => fileURLToPath(url!)) ?? url!) : url!,
    line: line!,
  }));
}

const FRAME = /^ +at (?:.*\()?((?:file:\/\/)?\/[^\n()]*?|[A-Za-z]:\\[^\n()]*?):(\d+):\d+\)?$/gm;

function isOfApplication(file: string): boolean {
  return !file.includes('/node_modules/') && !isOwnFile(file);
}

function named(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${error === null ? 'null' : typeof error}`;
  const { code, status } = error as { readonly code?: unknown; readonly status?: unknown };
  const kind = [error.name, error.constructor?.name].find((name) => /^[A-Z][\w$]{0,60}$/.test(String(name))) ?? 'Error';
  const told = [code === 'PORTICO_FAULT' ? status : code, status]
    .map(String)
    .find((each) => /^[A-Z\d_]{3,60}$/.test(each));
  const message = ignoreErrors(() => ownWords(error)) ?? '';
  return `${kind}${told === undefined ? '' : ` ${told}`}${message === '' ? '' : `: ${message}`}`;
}

/** Returns the message with each value replaced; empty if nothing else is in it. */
function ownWords(error: Error): string {
  const [first = ''] = maskUris(error.message).split('\n');
  const words = wordsOf(framesOf(error)[0]?.file);
  const shown = first
    .split(/\s+/, MOST_WORDS)
    .map((word) => (isOwn(word, words) ? word : OMITTED))
    .filter((word, at, all) => word !== OMITTED || all[at - 1] !== OMITTED);
  return shown.some((word) => /\w/.test(word)) ? shown.join(' ') : '';
}

function isOwn(text: string, words: ReadonlySet<string>): boolean {
  const isPlain = /^[A-Za-z_$.,:;!?'"`()[\]/-]+$/.test(text);
  // A letter in quotes is a part of a value.
  const isKnown = (word: string): boolean => (word.length > 1 || word === text) && (words.has(word) || OF_V8.has(word));
  return isPlain && (text.match(WORD) ?? []).every(isKnown);
}

const WORD = /[A-Za-z_$]+/g;

const OF_V8 = new Set(
  `Cannot read set properties property of undefined null reading setting is not a function iterable constructor defined
  Assignment to constant variable Invalid array length Maximum call stack size exceeded Unexpected token in JSON at
  position end input valid before initialization access Class cannot be invoked without new Private field must declared`.split(
    /\s+/,
  ),
);

const sources = new Map<string, ReadonlySet<string>>();

/** Returns the words of a source file, read once. */
function wordsOf(file: string | undefined): ReadonlySet<string> {
  if (file === undefined) return NONE;
  const found = sources.get(file);
  if (found !== undefined) return found;
  const text = ignoreErrors(() => (statSync(file).size > LARGEST_SOURCE ? '' : readFileSync(file, 'utf8')));
  const words = new Set(text?.match(WORD));
  if (sources.size >= FILES) sources.clear();
  sources.set(file, words);
  return words;
}

const NONE: ReadonlySet<string> = new Set();
