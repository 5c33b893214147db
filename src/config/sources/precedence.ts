/**
 * Which of the values written for an option counts: layer by layer, and within one layer spelling by spelling.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Option } from '../types/option.js';
import type { Spelling } from '../values/declared-groups.js';
import { givesAway, maskLocation } from '../values/mask.js';
import { writtenInEnvironment } from './environment.js';
import { type Report, type Sources, type Written, writtenAsArgument, writtenInFile } from './sources.js';

/** Where values are looked for. */
export interface Layers {
  readonly sources: Sources;
  /** `group.opt` to a value from code, above everything. */
  readonly overrides: ReadonlyMap<string, unknown>;
  /** `group.opt` to a value from code, above the declared default only. */
  readonly defaults: ReadonlyMap<string, unknown>;
  readonly osCompat: boolean;
  readonly readFile: (path: string) => Uint8Array;
}

/** An option whose value is wanted, and its names. */
export interface Wanted {
  readonly group: string;
  readonly opt: string;
  readonly option: Option;
  /** Its own name first. */
  readonly spellings: readonly Spelling[];
}

/** What counts, and what was written as well and lost; both highest layer first. */
export interface Choice {
  /** More than one only for a repeated key: in the order of the files. */
  readonly written: readonly Written[];
  readonly shadowed: readonly Written[];
}

/**
 * Chooses. Order, highest first: override, command line, environment, files from the last to the first, programmatic
 * default. How a value is spelled does not matter between layers; within one, the new name wins over deprecated ones.
 */
export function chooseWritten(layers: Layers, wanted: Wanted, report: Report): Choice {
  const filled = writtenByLayer(layers, wanted, report).filter((layer) => layer.length > 0);
  for (const written of filled.flat()) warnOfUse(written, wanted, report);
  const [top] = filled;
  if (top === undefined) return { written: [], shadowed: [] };
  const written = wanted.option.repeatable ? collect(filled) : [best(top, wanted.spellings)];
  if (!wanted.option.repeatable) {
    for (const layer of filled) warnOfRepetition(layer, wanted.spellings, report);
    refuseContradiction(top, wanted, report);
  }
  return { written, shadowed: filled.flat().filter((each) => !written.includes(each)) };
}

function writtenByLayer(layers: Layers, { group, opt, option, spellings }: Wanted, report: Report): Written[][] {
  const { sources, osCompat, readFile } = layers;
  const fromCode = (values: ReadonlyMap<string, unknown>, kind: 'override' | 'set_default'): Written[] => {
    const key = `${group}.${opt}`;
    if (!values.has(key)) return [];
    const value = values.get(key);
    return [{ group, opt, text: String(value), location: { kind, detail: kind.replace('_', ' ') }, typed: { value } }];
  };
  return [
    fromCode(layers.overrides, 'override'),
    spellings.flatMap((name) => writtenAsArgument(sources, name.group, name.opt)),
    spellings.flatMap((name) => writtenInEnvironment({ sources, name, option, osCompat, readFile, report })),
    ...sources.files.toReversed().map((file) => spellings.flatMap((name) => writtenInFile(file, name.group, name.opt))),
    fromCode(layers.defaults, 'set_default'),
  ].map((layer) => layer.map((each) => ({ ...each, location: maskLocation(opt, option, each.location) })));
}

/** A repeated key collects over all files, earlier files first; other layers stand for themselves. */
function collect(filled: readonly Written[][]): Written[] {
  const isFile = (layer: readonly Written[]) =>
    layer[0]?.location.kind === 'file' || layer[0]?.location.kind === 'source';
  const [top = []] = filled;
  return isFile(top) ? filled.filter(isFile).toReversed().flat() : [...top];
}

/** The last value under the first spelling that is there. */
function best(layer: readonly Written[], spellings: readonly Spelling[]): Written {
  for (const spelling of spellings) {
    const found = layer.findLast((written) => isSpelled(written, spelling));
    if (found !== undefined) return found;
  }
  throw new RangeError('a layer holds values under the spellings it was searched for');
}

function isSpelled(written: Written, { group, opt }: Spelling): boolean {
  return written.group === group && written.opt === opt;
}

function warnOfUse(written: Written, { group, opt, option, spellings }: Wanted, report: Report): void {
  const { location } = written;
  if (location.kind === 'override' || location.kind === 'set_default') return;
  const old = spellings.find((spelling) => spelling.kind === 'deprecated' && isSpelled(written, spelling));
  if (old !== undefined) {
    const since = option.spec.deprecatedSince === undefined ? '' : ` since ${option.spec.deprecatedSince}`;
    report('warning', 'PORTICO_CONFIG_DEPRECATED', written, {
      message: `deprecated${since}, the option is called ${opt} in [${group}] now`,
    });
  }
  if (option.spec.deprecatedForRemoval === true) {
    const reason = option.spec.deprecatedReason === undefined ? '' : `: ${option.spec.deprecatedReason}`;
    report('warning', 'PORTICO_CONFIG_DEPRECATED', written, { message: `will be removed${reason}` });
  }
  if (!givesAway(option, written.text)) return;
  if (location.kind === 'command_line') {
    report('warning', 'PORTICO_CONFIG_EXPOSED', written, {
      message: 'a secret on the command line can be read in the list of processes',
    });
  }
  if (written.exposed === true) {
    report('warning', 'PORTICO_CONFIG_EXPOSED', written, {
      message: 'this file holds a secret and others than its owner may read it',
      hint: `chmod 600 ${location.origin?.file ?? ''}`.trim(),
    });
  }
}

function warnOfRepetition(layer: readonly Written[], spellings: readonly Spelling[], report: Report): void {
  for (const spelling of spellings) {
    const repeated = layer.filter((written) => isSpelled(written, spelling) && written.location.origin !== undefined);
    const last = repeated.at(-1);
    if (last === undefined || repeated.length < 2) continue;
    const lines = repeated.map(({ location }) => location.origin?.line);
    report('warning', 'PORTICO_CONFIG_REPEATED', last, {
      message: `set more than once, in lines ${lines.join(' and ')}; the last one counts`,
    });
  }
}

/** Two spellings of one option in one place must agree. */
function refuseContradiction(layer: readonly Written[], { option, spellings }: Wanted, report: Report): void {
  const said = spellings
    .filter(({ kind }) => kind !== 'deprecated')
    .flatMap((spelling) => layer.findLast((written) => isSpelled(written, spelling)) ?? []);
  const [first, ...others] = said;
  for (const other of others) {
    if (first === undefined || sameMeaning(option, first, other)) continue;
    report('error', 'PORTICO_CONFIG_CONTRADICTION', first, {
      message: `is the same option as [${other.group}] ${other.opt} at ${other.location.detail}, which has another value`,
      hint: 'remove one of them',
    });
  }
}

function sameMeaning(option: Option, a: Written, b: Written): boolean {
  if (a.text === b.text) return true;
  try {
    return isDeepStrictEqual(option.parse(a.text), option.parse(b.text));
  } catch {
    return false;
  }
}
