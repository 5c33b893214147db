/**
 * Whether the time of a parser grows as its text does: measured as a ratio, so that it does not matter how fast a machine is,
 * and in processor time, so that it does not matter what else it does.
 */

/** A parser of text that clients send. What it throws is as good as what it returns. */
export interface ParserRow {
  readonly name: string;
  readonly parse: (text: string) => unknown;
  /** What texts begin with. Default: nothing. */
  readonly before?: readonly string[];
  /** What is repeated besides {@link UNITS}. */
  readonly units?: readonly string[];
  /** What texts end with, besides nothing and what most parsers do not take. */
  readonly after?: readonly string[];
  /** The shorter length, in characters; the longest one is {@link GROWTH} times as long. Default: 1000. */
  readonly length?: number;
}

/** A text that takes too long. */
export interface SlowText {
  readonly parser: string;
  /** What it begins with, what is repeated, what it ends with. */
  readonly seed: readonly [string, string, string];
  /** How many times as long the longer text took. */
  readonly ratio: number;
}

/**
 * How much longer the longest text is. The time of a linear parser grows 32 times, and up to 100 times where memory is
 * collected meanwhile; the time of a quadratic one grows 1024 times.
 */
export const GROWTH = 32;
const MOST = 256;

/** What hostile texts repeat: separators, what may stand around them, and pairs of both. */
const UNITS: readonly string[] = [
  ...Array.from(' \t,;="\'\\/:.-_+*%&?#@[({<a0~!é'),
  'a,',
  ', ',
  'a;',
  'a=',
  ';q=',
  '"\\',
  '\\"',
  ',"',
  'a/',
  '*/',
  '//',
  '/a',
  '..',
  '../',
  'a.',
  'a-',
  '0.',
  '0_',
  '1:',
  '%2',
  '%41',
  '%ff',
  '&a',
  '=&',
  'a&',
  'a=1&',
  'a[]=&',
  '0-',
  '-0',
  '0-1,',
  'for=',
  'a="",',
  '::',
  'f:',
  '\u0000',
];

/** The texts that take more than their share; the first of each parser is enough. */
export function slowTexts(rows: Iterable<ParserRow>): SlowText[] {
  const slow: SlowText[] = [];
  for (const row of rows) {
    const found = slowTextOf(row);
    if (found !== undefined) slow.push(found);
  }
  return slow;
}

/** The first text that takes its longer self more than {@link MOST} times as long. */
export function slowTextOf(row: ParserRow): SlowText | undefined {
  const { name, parse, before = [''], units = [], after = [], length = 1000 } = row;
  for (const head of before) {
    for (const unit of [...UNITS, ...units]) {
      for (const end of ['', '!', ...after]) {
        const textOf = (size: number): string => flat(head + unit.repeat(Math.ceil(size / unit.length)) + end);
        const ratio = growthOf((size) => timeOf(parse, textOf(size)), length);
        if (ratio > MOST) return { parser: name, seed: [head, unit, end], ratio };
      }
    }
  }
  return undefined;
}

/** Up to the longest text in steps, since a parser that tries everything would not come back from it. */
const STEPS = [2, 8, GROWTH];

/** What takes its share in one of all the rounds of this time is not slow: another process was in the way. */
const PATIENCE_MS = 3000;

/** How many times as long a longer text takes. */
function growthOf(time: (size: number) => number, length: number): number {
  let ratio = 0;
  // The first run compiles.
  let least = Math.min(time(length), time(length));
  for (const step of STEPS) {
    let most = time(length * step);
    const end = performance.now() + PATIENCE_MS;
    for (let round = 0; most / least > MOST && (round < 8 || performance.now() < end); round++) {
      least = Math.min(least, time(length));
      most = Math.min(most, time(length * step));
    }
    ratio = most / least;
    if (ratio > MOST) break;
  }
  return ratio;
}

/** Of the processor, which other processes do not lengthen. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Of one run, on the average of as many as can be measured. */
function timeOf(parse: (text: string) => unknown, text: string): number {
  const begun = processorMs();
  let runs = 0;
  let taken = 0;
  do {
    attempt(parse, text);
    taken = processorMs() - begun;
    runs += 1;
  } while (taken < 0.03);
  return taken / runs;
}

function attempt(parse: (text: string) => unknown, text: string): void {
  try {
    parse(text);
  } catch {
    // Refused.
  }
}

/** As it comes from a connection: one piece, and not a tree of pieces that the first reader has to join. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}
