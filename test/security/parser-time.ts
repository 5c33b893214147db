/**
 * Measures whether a parser's time grows linearly with its text: as a ratio, so that the speed of the machine does not matter, and in
 * CPU time, so that other processes do not matter.
 */

type Parse = (text: string) => unknown;

/** A parser of text from clients. An error is as good as a result. */
export interface ParserRow {
  readonly name: string;
  readonly parse: Parse;
  /** The beginnings of the texts. Default: empty. */
  readonly before?: readonly string[];
  /** Repeated units in addition to {@link UNITS}. */
  readonly units?: readonly string[];
  /** The ends of the texts, in addition to none and one that most parsers refuse. */
  readonly after?: readonly string[];
  /** Makes the text of a length, in place of repeated units. */
  readonly textOf?: (length: number) => string;
  /** The shorter length in characters; the longest text is {@link GROWTH} times as long. Default: 400. */
  readonly length?: number;
}

/** A text that takes too long. */
export interface SlowText {
  readonly parser: string;
  /** Its beginning, its repeated unit and its end. */
  readonly seed: readonly [string, string, string];
  /** The time of the longer text divided by the time of the shorter one. */
  readonly ratio: number;
}

/**
 * The ratio of the longest length to the shortest. The time of a linear parser grows 32 times, and up to 100 times with
 * garbage collection; the time of a quadratic one grows 1024 times.
 */
export const GROWTH = 32;
const MOST = 256;
/**
 * A parser that takes fewer milliseconds for one text of {@link QUICK_LENGTH} characters is not quadratic: that would be 80 million steps,
 * which take 5 ms even if each only copies or compares a byte.
 */
const QUICK_MS = 1;
const QUICK_LENGTH = 12_800;

/** The repeated units of hostile texts: separators, their neighbours, and pairs of both. */
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

/**
 * The first text whose longer version takes more than {@link MOST} times as long, in each of at least eight rounds and for `patienceMs`: one
 * lower ratio shows that another process interfered.
 */
export function slowTextOf(row: ParserRow, patienceMs = 3000): SlowText | undefined {
  const { name, parse, before = [''], units = [], after = [], length = 400, textOf } = row;
  if (textOf !== undefined) {
    const ratio = growthOf(parse, (size) => flat(textOf(size)), length, patienceMs);
    return ratio > MOST ? { parser: name, seed: [textOf(2), '', ''], ratio } : undefined;
  }
  for (const head of before) {
    for (const unit of [...UNITS, ...units]) {
      for (const end of ['', '!', ...after]) {
        const repeated = (size: number): string => flat(head + unit.repeat(Math.ceil(size / unit.length)) + end);
        const ratio = growthOf(parse, repeated, length, patienceMs);
        if (ratio > MOST) return { parser: name, seed: [head, unit, end], ratio };
      }
    }
  }
  return undefined;
}

/** The lengths grow in steps, because an exponential parser would never finish the longest text. */
const STEPS = [2, GROWTH];

/** The time of the longest measured text divided by the time of the shortest. 0 if the longest is too quick for more than linear time. */
function growthOf(parse: Parse, textOf: (size: number) => string, length: number, patienceMs: number): number {
  if (isQuick(parse, textOf(length * 2), QUICK_LENGTH) && isQuick(parse, textOf(length * GROWTH))) return 0;
  const time = (size: number): number => timeOf(parse, textOf(size));
  let ratio = 0;
  // The first run includes compilation.
  let least = Math.min(time(length), time(length));
  for (const step of STEPS) {
    let most = time(length * step);
    const end = performance.now() + patienceMs;
    for (let round = 0; most / least > MOST && (round < 8 || performance.now() < end); round++) {
      least = Math.min(least, time(length));
      most = Math.min(most, time(length * step));
    }
    ratio = most / least;
    if (ratio > MOST) break;
  }
  return ratio;
}

/** True if a single run takes less time than a quadratic parser takes for a text of this length. */
function isQuick(parse: Parse, text: string, length = text.length): boolean {
  const most = QUICK_MS * (length / QUICK_LENGTH) ** 2;
  const [begun, begunAt] = [processorMs(), performance.now()];
  attempt(parse, text);
  // A parse takes no more CPU time than it lasts, and to ask for CPU time takes as long as some parsers.
  return performance.now() - begunAt < most || processorMs() - begun < most;
}

/** CPU time, which other processes do not lengthen. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The time of one run, averaged over as many as are measurable. */
function timeOf(parse: Parse, text: string): number {
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

function attempt(parse: Parse, text: string): void {
  try {
    parse(text);
  } catch {
    // Refused.
  }
}

/** A string as it comes from a connection: flat, not a rope that its first reader flattens. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}
