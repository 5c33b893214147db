/**
 * Says what is wrong with an interpolated value: where the `%` stands, which option was read, and what was meant.
 */
import { isSecret } from '../config/index.js';
import { didYouMean } from '../errors/index.js';
import { originWithin, type PasteOption } from '../ini/index.js';
import type { InterpolationProblem } from './interpolate.js';
import { type PasteError, refuse } from './paste-error.js';

/** The option that was read when interpolation failed. */
export interface ReadOption {
  readonly file: string;
  /** The section whose names were used; `DEFAULT` when it was read by itself. */
  readonly section: string;
  readonly name: string;
  readonly raw: string;
  /** Undefined for values that stand in no file. */
  readonly option: PasteOption | undefined;
  readonly candidates: () => string[];
}

const SHOWN = 80;
/** The error for a value that cannot be interpolated. */
export function interpolationError(problem: InterpolationProblem, read: ReadOption): PasteError {
  const origin = read.option === undefined ? undefined : originWithin(read.option.pieces, problem.offset);
  const elsewhere = origin?.section !== read.section;
  const place = origin === undefined ? `${read.file}: [${read.section}] ${read.name}: ` : '';
  const reader = origin !== undefined && elsewhere ? `, read in [${read.section}],` : '';
  const value = isSecret(read.name, undefined) ? '' : ` (the value is ${shown(read.raw)})`;
  const message = `${place}${sentence(problem, read, reader)}${value}.`;
  return refuse(`interpolation-${problem.kind}`, {
    message,
    origin,
    hint: hintFor(problem, read, origin === undefined),
  });
}

function sentence(problem: InterpolationProblem, read: ReadOption, reader: string): string {
  if (problem.kind === 'depth') {
    const chain = [read.name, ...problem.chain].map((name) => JSON.stringify(name)).join(' refers to ');
    return `the value${reader} cannot be put together in 10 steps: ${chain}`;
  }
  if (problem.kind === 'missing') {
    const name = problem.chain.at(-1) ?? '';
    const owners =
      read.section === 'DEFAULT' ? '[DEFAULT] does not have' : `neither [${read.section}] nor [DEFAULT] has`;
    return `"%(${name})s"${reader} refers to an option that ${owners}${by(problem.chain.slice(0, -1))}`;
  }
  const message = isSecret(read.name, undefined) ? 'a "%" is followed by neither "%" nor "(name)s"' : problem.message;
  return `${message}${reader}${by(problem.chain)}`;
}

function by(chain: readonly string[]): string {
  return chain.length === 0 ? '' : `, reached by way of ${chain.map((name) => JSON.stringify(name)).join(', ')}`;
}

function hintFor(problem: InterpolationProblem, read: ReadOption, handedIn: boolean): string {
  if (handedIn) return 'The value was handed in by the program or by the including file; a "%" in it must be doubled.';
  if (problem.kind === 'syntax') return 'Write "%%" for a percent sign, "%(name)s" for the value of an option.';
  if (problem.kind === 'depth') {
    const chain = [read.name, ...problem.chain];
    return new Set(chain).size < chain.length
      ? 'The references go round in a circle.'
      : 'Shorten the chain of references.';
  }
  const name = problem.chain.at(-1) ?? '';
  const names = read.candidates();
  if (names.includes(`set ${name}`))
    return `"set ${name}" goes into global_conf; it defines nothing for interpolation.`;
  return didYouMean(name, names) ?? `Names there are: ${names.slice(0, 10).join(', ')}.`;
}

function shown(raw: string): string {
  return JSON.stringify(raw.length > SHOWN ? `${raw.slice(0, SHOWN)}…` : raw);
}
