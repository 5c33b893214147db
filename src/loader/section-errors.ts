/**
 * Messages for a section of a paste file that is missing, lacks something or has too much, and for a name that matches none or several:
 * with similar names and common errors.
 */
import { didYouMean, nearestNames, type Origin } from '../errors/index.js';
import type { PasteDocument, PasteSection } from '../ini/index.js';
import { firstNames, PasteAppNotFound, PasteError, type PasteErrorDetails } from './paste-error.js';
import type { Reference } from './reference.js';
import { A_KIND, definedBy, headerParts, KIND_OF, type Kind, meantPrefix, namesOf, PROTOCOLS } from './section.js';
import { originOf, type Setting, type Source } from './source.js';

/** Returns the error for a section without a required option. */
export function missingSetting(source: Source, section: PasteSection, name: string): PasteError {
  const wrong = hiding(source, section, [name]) ?? misspeltAs([...section.options.values()], [name]);
  return new PasteError('PORTICO_PASTE_MISSING_SETTING', {
    message: `is missing a "${name}" setting.`,
    hint:
      wrong ?? (name === 'next' ? 'Write "next = " and the app.' : 'Write "pipeline = " and the names, the app last.'),
    origin: section.origin,
  });
}

/** Returns the error for a pipeline section with options that have no use. */
export function extraSettings(extra: ReadonlyMap<string, Setting>): PasteError {
  const names = [...extra.keys()];
  return new PasteError('PORTICO_PASTE_EXTRA_SETTINGS', {
    message: `a pipeline cannot have these settings: ${names.join(', ')}.`,
    hint: 'A pipeline section can have "pipeline", "set …", "filter-with" and "require"; move the rest to a member.',
    origin: [...extra.values()][0]?.option.origin,
  });
}

/** Returns the error for an empty pipeline. */
export function emptyPipeline(members: Setting): PasteError {
  return new PasteError('PORTICO_PASTE_EMPTY_PIPELINE', {
    message: 'the pipeline is empty.',
    hint: 'List its filters, outermost first, and its app last.',
    origin: originOf(members).origin,
  });
}

/** Returns the error for a section with neither `use` nor a factory. */
export function noLoader(source: Source, section: PasteSection, kind: Kind): PasteError {
  const protocols = PROTOCOLS[kind].flat();
  const others = [...section.options.values()].filter(
    ({ name }) => name.startsWith('paste.') && !protocols.includes(name),
  );
  const wrong = `${others.map(({ name }) => name).join(' and ')} cannot make ${A_KIND[kind]}.`;
  const hints = [
    `Give it "use = …" or ${either(protocols)} = package/path:export.`,
    hiding(source, section, ['use', ...protocols]),
    others.length === 0 ? undefined : wrong,
    misspelt(section),
  ];
  return new PasteError('PORTICO_PASTE_NO_LOADER', {
    message: 'has no factory.',
    hint: misspeltAs(others, protocols) ?? hints.filter((part) => part !== undefined).join(' '),
    origin: section.origin,
  });
}

/** Returns the hint for an option that has nearly one of these names. */
function misspeltAs(
  options: readonly { readonly name: string; readonly origin: Origin }[],
  names: readonly string[],
): string | undefined {
  for (const { name, origin } of options) {
    const near = didYouMean(name, names);
    if (near !== undefined) return `"${name}" in line ${origin.line} is not read. ${near}`;
  }
  return undefined;
}

/** Returns the error for an app section with two factories. */
export function multipleProtocols(first: string, second: string, setting: Setting): PasteError {
  return new PasteError('PORTICO_PASTE_MULTIPLE_PROTOCOLS', {
    message: `the section has two factories: ${first} and ${second}.`,
    hint: 'Keep one of the two.',
    origin: setting.option.origin,
  });
}

/** Returns a hint, with both lines, if an option of the section is hidden by a default of the same name. */
function hiding(source: Source, section: PasteSection, names: readonly string[]): string | undefined {
  for (const name of names) {
    const option = section.options.get(name);
    if (!source.isDefault(name)) continue;
    const by = source.defaultOption(name)?.origin;
    const hider = by === undefined ? 'the global configuration' : `[DEFAULT] (line ${by.line})`;
    if (option === undefined && by === undefined) continue;
    return option === undefined
      ? `"${name}" in ${hider} has no effect: the factory of a section cannot be set in [DEFAULT].`
      : `"${name}" is in line ${option.origin.line}, but ${hider} has an option with this name, which hides it.`;
  }
  return undefined;
}

function misspelt(section: PasteSection): string | undefined {
  const near = [...section.options.keys()].find((name) => name !== 'use' && name.toLowerCase() === 'use');
  return near === undefined ? undefined : `Names are case-sensitive: write "use", not "${near}".`;
}

function either(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** A reference to a section, with its location for messages. */
type Asked = Pick<Reference, 'kind' | 'origin'>;

/** Returns the only section of a name. Throws if there is none, or several. */
export function onlySection(
  document: PasteDocument,
  [section, ...others]: readonly PasteSection[],
  name: string,
  asked: Asked,
): PasteSection {
  if (section === undefined) throw noSection(document, name, asked);
  if (others.length > 0) throw ambiguous(document, name, [section, ...others], asked);
  return section;
}

/** Returns the error for a name that no section of the kind has. */
function noSection(document: PasteDocument, name: string, { kind, origin }: Asked): PasteError {
  const message = `no ${kind} is called ${JSON.stringify(name)}`;
  const why = behindComment(origin) ?? spoilt(document, kind, name);
  const hints = why === undefined ? nearestSection(document, kind, name) : { hint: why };
  if (origin !== undefined) {
    const where = origin.file === document.file ? '' : ` in ${document.file}`;
    return new PasteError('PORTICO_PASTE_NO_SECTION', { message: `${message}${where}.`, ...hints, origin });
  }
  const details = { message: `${document.file}: ${message}.`, ...hints };
  return kind === 'app'
    ? new PasteAppNotFound('PORTICO_PASTE_NO_SECTION', details)
    : new PasteError('PORTICO_PASTE_NO_SECTION', details);
}

/** Returns the error for a name that several sections have. */
function ambiguous(
  document: PasteDocument,
  name: string,
  found: readonly PasteSection[],
  { origin }: Asked,
): PasteError {
  const candidates = found.map((section) => `[${section.name}] (line ${section.origin.line})`).join(', ');
  const place = origin?.file === document.file ? '' : `${document.file}: `;
  return new PasteError('PORTICO_PASTE_AMBIGUOUS_SECTION', {
    message: `${place}${JSON.stringify(name)} may be ${candidates}.`,
    hint: 'Rename all but one of them.',
    origin,
  });
}

/** Returns the error for a URI with an unknown scheme. */
export function unknownScheme(text: string, scheme: string, { origin }: Reference): PasteError {
  const near = didYouMean(scheme, SCHEMES);
  const there = `Schemes: ${SCHEMES.join(', ')}. Write a section's name without its prefix.`;
  return new PasteError('PORTICO_PASTE_UNKNOWN_SCHEME', {
    message: `${JSON.stringify(text)} begins with the unknown scheme "${scheme}".`,
    hint: near === undefined ? there : `${near} ${there}`,
    origin,
  });
}

const SCHEMES: readonly string[] = ['config', 'egg', 'call'];

/** Returns the hint for a name inside an intended comment. */
function behindComment(origin: Origin | undefined): string | undefined {
  const before = origin?.text?.slice(0, origin.column - 1) ?? '';
  return /\s[#;]/.test(before.trimStart()) ? NO_INLINE_COMMENTS : undefined;
}

const NO_INLINE_COMMENTS = 'Write a comment on a separate line; after text, "#" and ";" belong to the value.';

/** Returns the hint for a name that is not the one of a section, although one was meant exactly. */
function spoilt(document: PasteDocument, kind: Kind, name: string): string | undefined {
  return otherKind(document, kind, name) ?? spoiltHeader(document, kind, name) ?? spoiltName(document, kind, name);
}

/** Returns the nearest section, and all others. */
function nearestSection(document: PasteDocument, kind: Kind, name: string): Pick<PasteErrorDetails, 'hint' | 'meant'> {
  const names = namesOf(document, kind);
  const there =
    names.length === 0 ? `There is no ${kind} in this file.` : `${listed(kind)} in this file: ${firstNames(names)}.`;
  const near = didYouMean(name, names);
  return near === undefined ? { hint: there } : { hint: `${near} ${there}`, meant: nearestNames(name, names)[0] };
}

function otherKind(document: PasteDocument, kind: Kind, name: string): string | undefined {
  for (const section of document.sections.values()) {
    const defined = definedBy(section);
    if (defined === undefined || defined.name !== name || defined.kind === kind) continue;
    const rule =
      defined.kind === 'app' && kind === 'filter'
        ? '; only the last name of a pipeline is an app'
        : defined.kind === 'filter' && kind === 'app'
          ? '; an app is the last name of a pipeline, or follows a mount, "next", or "use" in an app'
          : '';
    return `There is ${A_KIND[defined.kind]} with this name in line ${section.origin.line}: [${section.name}]${rule}.`;
  }
  return undefined;
}

/** Returns the hint for a header that would match but for a blank, a capital, a misspelt prefix or the name. */
function spoiltHeader(document: PasteDocument, kind: Kind, name: string): string | undefined {
  for (const section of document.sections.values()) {
    const { prefix, name: own = 'main' } = headerParts(section.name);
    if (own !== name || definedBy(section) !== undefined) continue;
    const meant = meantPrefix(prefix);
    const near = [meant, ...nearPrefixes(meant)].find((each) => KIND_OF.get(each) === kind);
    if (near === undefined) continue;
    return `The header [${section.name}] in line ${section.origin.line} is never found: write [${near}:${name}].`;
  }
  return undefined;
}

/** `[api:<name>]` is a section of a service file. */
function nearPrefixes(prefix: string): string[] {
  return prefix === 'api' ? [] : nearestNames(prefix, KIND_OF.keys());
}

function spoiltName(document: PasteDocument, kind: Kind, name: string): string | undefined {
  if (name.endsWith(',') && namesOf(document, kind).includes(name.slice(0, -1)))
    return `Separate names with spaces; the comma became part of the name "${name.slice(0, -1)}".`;
  if (/(?:^|\s)[#;]/.test(name)) return NO_INLINE_COMMENTS;
  return name.endsWith('.ini') || /^\.{0,2}\//.test(name) ? `To load another file, write "config:${name}".` : undefined;
}

function listed(kind: Kind): string {
  return `${kind[0]!.toUpperCase()}${kind.slice(1)}s`;
}
