/**
 * Values written for an option, and the effective one: chosen by layer, and within a layer by name. In the environment the name is
 * `PORTICO_<GROUP>__<OPT>`, and `…_FILE` for secrets.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Diagnostic, ignoreErrors, type Location, locationInFile } from '../../errors/index.js';
import { originWithin } from '../../ini/index.js';
import { keyOf, type Sources, type State, type Written } from '../state.js';
import { givesAway, maskLocation } from '../types/mask.js';
import type { Option } from '../types/option.js';
import type { DeclaredGroups, DeclaredOption, Spelling } from './declared-groups.js';

/** Code of a warning about a secret that others may read. */
export const EXPOSED = 'PORTICO_CONFIG_EXPOSED';

/** Reports an issue about a written value, or about the option if nothing is written. */
export type Report = (
  severity: Diagnostic['severity'],
  code: string,
  written: Written | undefined,
  rest: Partial<Diagnostic> & { readonly message: string },
) => void;

/** The effective value, and the overridden ones; both highest layer first. */
export interface Choice {
  /** Several only for a repeated key: in the order of the files. */
  readonly written: readonly Written[];
  readonly shadowed: readonly Written[];
}

/** A resolved option. */
export interface Resolved extends Choice {
  readonly group: string;
  readonly opt: string;
  readonly option: Option;
  /** Undefined also if the value was refused. */
  readonly value: unknown;
  readonly location: Location;
  readonly issues: readonly Diagnostic[];
}

/** Returns values of the command line, and then of each file from the last to the first. */
export function writtenIn({ arguments: said, files }: Sources): Written[][] {
  return [
    said.map(({ group, opt, value: text, index }) => {
      return { group, opt, text, location: { kind: 'command_line', detail: `argument ${index}` } };
    }),
    ...files.toReversed().map(({ entries, exposed }) =>
      entries.map((entry) => {
        const { section: group, name: opt, value: text, origin } = entry;
        return { group, opt, text, location: locationInFile(origin), entry, exposed };
      }),
    ),
  ];
}

const LAYERS = new WeakMap<Sources, readonly Layer[]>();

/** Returns the same values by their names. */
export function layersOf(sources: Sources): readonly Layer[] {
  const known = LAYERS.get(sources) ?? writtenIn(sources).map(layerOf);
  LAYERS.set(sources, known);
  return known;
}

/** Place of a value that is not set. */
export const UNSET: Location = { kind: 'default', detail: 'default' };

/** Returns a default that refers to other options, which is read like a written value. */
export function writtenAsDefault({ group, opt, option }: DeclaredOption): Written[] {
  const text = option.referringDefault;
  return text === undefined ? [] : [{ group, opt, text, location: UNSET }];
}

/** Values of one source, by their names. */
export type Layer = ReadonlyMap<string, readonly Written[]>;

export function layerOf(written: readonly Written[]): Layer {
  const layer = new Map<string, Written[]>();
  for (const each of written) {
    const key = keyOf(each);
    const same = layer.get(key);
    if (same === undefined) layer.set(key, [each]);
    else same.push(each);
  }
  return layer;
}

/** Returns a layer without the values of these keys. */
export function layerWithout(layer: Layer, keys: readonly string[]): Layer {
  if (!keys.some((key) => layer.has(key))) return layer;
  const rest = new Map(layer);
  for (const key of keys) rest.delete(key);
  return rest;
}

/** Returns `group.opt` for messages. */
export function nameOf({ group, opt }: Pick<Written, 'group' | 'opt'>): string {
  return `${group}.${opt}`;
}

/** Values of an option in one layer, under one of its names. */
interface Found {
  readonly kind: Spelling['kind'];
  readonly lines: readonly Written[];
}

/**
 * Chooses among layers, the highest first. The spelling does not matter between layers; within one, the option's proper name takes
 * precedence over aliases, and both over deprecated ones.
 */
export function chooseWritten(layers: readonly Layer[], wanted: DeclaredOption, report: Report): Choice {
  const { opt, option, spellings } = wanted;
  const found = layers.map((layer) =>
    spellings.flatMap(({ key, kind }): Found[] => {
      const lines = layer.get(key)?.map((each) => masked(each, opt, option));
      return lines === undefined ? [] : [{ kind, lines }];
    }),
  );
  const filled = found.filter(({ length }) => length > 0);
  const [top] = filled;
  if (top === undefined) return { written: [], shadowed: [] };
  for (const { kind, lines } of filled.flat()) {
    for (const each of lines) warnOfUse(each, kind, wanted, report);
    if (!option.repeatable) warnOfRepetition(lines, report);
  }
  if (!option.repeatable) refuseContradiction(top, option, report);
  // Of a repeated key, lines under older names come first.
  const inOrder = (found: readonly Found[]): readonly Found[] => (option.repeatable ? found.toReversed() : found);
  const all = filled.map((found) => inOrder(found).flatMap(({ lines }) => lines));
  const written = option.repeatable ? collected(all) : [top[0]!.lines.at(-1)!];
  const shadowed = all.flat().filter((each) => !written.includes(each) && each.location.kind !== 'default');
  return { written, shadowed };
}

function masked(written: Written, opt: string, option: Option): Written {
  return { ...written, location: maskLocation(opt, option, written.location) };
}

/** Collects a repeated key over all files, earlier files first; values of other layers are not combined. */
function collected(layers: readonly (readonly Written[])[]): readonly Written[] {
  const isFile = ([first]: readonly Written[]): boolean => first!.location.kind === 'file';
  const [top = []] = layers;
  return isFile(top) ? layers.filter(isFile).toReversed().flat() : top;
}

/** Returns what to say of a secret in a file that others may read. */
export function exposedIn(file = ''): { readonly message: string; readonly hint: string } {
  return {
    message: 'this file holds a secret and others than its owner may read it',
    hint: `chmod 600 ${file}`.trim(),
  };
}

function warnOfUse(
  written: Written,
  spelling: Spelling['kind'],
  { group, opt, option }: DeclaredOption,
  report: Report,
): void {
  const { kind, origin } = written.location;
  if (kind === 'override' || kind === 'set_default' || kind === 'default') return;
  const warn = (code: string, message: string, hint?: string): void => {
    report('warning', code, written, { message, hint });
  };
  const { deprecatedSince, deprecatedForRemoval, deprecatedReason } = option.spec;
  if (spelling === 'deprecated') {
    const since = deprecatedSince === undefined ? '' : ` since ${deprecatedSince}`;
    warn('PORTICO_CONFIG_DEPRECATED', `deprecated${since}, the option is called ${opt} in [${group}] now`);
  }
  if (deprecatedForRemoval === true) {
    const reason = deprecatedReason === undefined ? '' : `: ${deprecatedReason}`;
    warn('PORTICO_CONFIG_DEPRECATED', `will be removed${reason}`);
  }
  if (!givesAway(option, written.text)) return;
  if (kind === 'command_line') {
    warn(EXPOSED, 'a secret on the command line can be read in the list of processes');
  }
  if (written.exposed === true) {
    const { message, hint } = exposedIn(origin?.file);
    warn(EXPOSED, message, hint);
  }
}

/** `found`: values of one layer under one name. */
function warnOfRepetition(found: readonly Written[], report: Report): void {
  const lines = found.flatMap(({ location }) => location.origin?.line ?? []);
  if (lines.length < 2) return;
  const all = `${lines.slice(0, -1).join(', ')} and ${lines.at(-1)}`;
  const message = `set more than once, in lines ${all}; the last one counts`;
  report('warning', 'PORTICO_CONFIG_REPEATED', found.at(-1), { message });
}

/** Two names of one option in one source must agree. */
function refuseContradiction(layer: readonly Found[], option: Option, report: Report): void {
  const [first, ...others] = layer.flatMap(({ kind, lines }) => (kind === 'deprecated' ? [] : lines.slice(-1)));
  for (const other of others) {
    if (sameMeaning(option, first!, other)) continue;
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

/** Returns the variable of an option: `PORTICO_API_COMPUTE__PORT` for `port` of `[api:compute]`. */
export function variableName(prefix: string, group: string, opt: string): string {
  const word = (name: string): string => name.toUpperCase().replaceAll(/[-.:]/g, '_');
  return `${prefix}_${word(group)}__${word(opt)}`;
}

/** Variables of a configuration. */
interface Variables extends Pick<State, 'files'> {
  readonly environment: Sources['environment'];
  /** Prefixes of the variables; the second one is `OS`, if that counts. */
  readonly prefixes: readonly string[];
  readonly groups: DeclaredGroups;
}

/** Returns the values of an option in the environment. An empty variable sets the option to empty. */
export function writtenInEnvironment(
  variables: Variables,
  { option, spellings }: DeclaredOption,
  report: Report,
): Written[] {
  const { environment, prefixes } = variables;
  // In most environments: without any variable, none is looked up.
  if (Object.keys(environment).length === 0) return [];
  return spellings.flatMap((name) => {
    const [own, os] = prefixes.map((prefix) => fromVariable(variables, prefix, name, option, report));
    if (own !== undefined && os !== undefined && own.text !== os.text) {
      const message = `is set to another value by ${os.location.detail}`;
      report('error', 'PORTICO_CONFIG_CONTRADICTION', own, { message, hint: 'unset one of them' });
    }
    const found = own ?? os;
    if (found === undefined) return [];
    return option.repeatable ? eachItem(found) : [found];
  });
}

function fromVariable(
  { environment, files, groups }: Variables,
  prefix: string,
  { group, opt }: Spelling,
  { secret }: Option,
  report: Report,
): Written | undefined {
  const variable = variableName(prefix, group, opt);
  const written = (text: string, detail: string): Written => {
    return { group, opt, text, location: { kind: 'environment', detail } };
  };
  const text = environment[variable];
  // If there is an option `secret_file`, `SECRET_FILE` is that one, and not a file of `secret`.
  const isFile = secret && groups.find(group, `${opt}_file`) === undefined;
  const file = isFile ? environment[`${variable}_FILE`] : undefined;
  if (file === undefined) return text === undefined ? undefined : written(text, variable);
  const named = written('', `${variable}_FILE`);
  if (text !== undefined) {
    const message = `is set by ${variable} too`;
    report('error', 'PORTICO_CONFIG_CONTRADICTION', named, { message, hint: 'unset one of them' });
  }
  try {
    return {
      ...named,
      verbatim: true,
      text: files
        .read(file)
        .toString('utf8')
        .replace(/\r?\n$/, ''),
    };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    report('error', 'PORTICO_CONFIG_FILE', named, { message: `cannot read ${file}: ${reason}` });
    return undefined;
  }
}

/** Returns one item for each element of a JSON array, else a single item. */
function eachItem(written: Written): Written[] {
  const items = written.text.trimStart().startsWith('[') && ignoreErrors(() => JSON.parse(written.text) as unknown);
  return Array.isArray(items) ? items.map((item) => ({ ...written, text: String(item) })) : [written];
}

/** Returns the location of a part of a value, at an offset; of a value that no file has, its own location. */
export function locationWithin(offset: number, { location, entry }: Written): Location {
  if (entry === undefined) return location;
  return locationInFile(originWithin(entry.pieces, offset));
}
