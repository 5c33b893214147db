/**
 * What to say when a name leads to no section, or to several: the nearest names, and the mistakes people make.
 */
import { didYouMean, type Origin } from '../errors/index.js';
import type { PasteDocument, PasteSection } from '../ini/index.js';
import { strip } from '../ini/index.js';
import { type PasteError, type PasteReference, refuse } from './paste-error.js';
import { A_KIND, definedBy, type Kind, namesOf } from './section.js';

/** Who asked for the name: where the reference stands and what led there. */
export interface Asked {
  readonly origin: Origin | undefined;
  readonly via: readonly PasteReference[];
}

/** The error for a name that no section of the kind has. */
export function noSection(document: PasteDocument, kind: Kind, name: string, asked: Asked): PasteError {
  const elsewhere = asked.origin === undefined || asked.origin.file !== document.file;
  const place = asked.origin === undefined ? `${document.file}: ` : '';
  const where = elsewhere && place === '' ? ` in ${document.file}` : '';
  return refuse('no-section', {
    message: `${place}no ${kind} is called ${JSON.stringify(name)}${where}.`,
    hint: behindComment(asked.origin) ?? missingHint(document, kind, name),
    ...(asked.origin === undefined ? {} : { origin: asked.origin }),
    via: asked.via,
  });
}

/** The error for a name that several sections have. */
export function ambiguous(
  document: PasteDocument,
  name: string,
  found: readonly PasteSection[],
  asked: Asked,
): PasteError {
  const candidates = found.map((section) => `[${section.name}] (line ${section.origin.line})`).join(', ');
  const place = asked.origin?.file === document.file ? '' : `${document.file}: `;
  return refuse('ambiguous-section', {
    message: `${place}${JSON.stringify(name)} may be ${candidates}.`,
    hint: 'Rename all but one of them.',
    ...(asked.origin === undefined ? {} : { origin: asked.origin }),
    via: asked.via,
  });
}

/** A name that was meant as part of a comment. */
function behindComment(origin: Origin | undefined): string | undefined {
  const before = origin?.text?.slice(0, origin.column - 1) ?? '';
  return /\s[#;]/.test(before.trimStart()) ? NO_INLINE_COMMENTS : undefined;
}

const NO_INLINE_COMMENTS = 'A comment must be a line of its own; after text, "#" and ";" belong to the value.';

/** What may have been meant by a name that is not there. */
function missingHint(document: PasteDocument, kind: Kind, name: string): string {
  return (
    otherKind(document, kind, name) ??
    spoiltHeader(document, kind, name) ??
    spoiltName(document, kind, name) ??
    didYouMeanOf(document, kind, name)
  );
}

function didYouMeanOf(document: PasteDocument, kind: Kind, name: string): string {
  const names = namesOf(document, kind);
  const there =
    names.length === 0 ? `There is no ${kind} in this file.` : `${listed(kind)} in this file: ${upTo10(names)}.`;
  const near = didYouMean(name, names);
  return near === undefined ? there : `${near} ${there}`;
}

function otherKind(document: PasteDocument, kind: Kind, name: string): string | undefined {
  for (const section of document.sections.values()) {
    const defined = definedBy(section);
    if (defined === undefined || defined.name !== name || defined.kind === kind) continue;
    const rule =
      defined.kind === 'app' && kind === 'filter'
        ? '; only the last name of a pipeline is an app'
        : defined.kind === 'filter' && kind === 'app'
          ? '; the last name of a pipeline, and what a mount, "use" of an app or "next" names, is an app'
          : '';
    return `There is ${A_KIND[defined.kind]} of that name in line ${section.origin.line}: [${section.name}]${rule}.`;
  }
  return undefined;
}

/** A header that would be the one but for a blank, a capital or a wrong prefix. */
function spoiltHeader(document: PasteDocument, kind: Kind, name: string): string | undefined {
  for (const section of document.sections.values()) {
    const colon = section.name.indexOf(':');
    if (colon < 0) {
      if (strip(section.name).toLowerCase() !== kind || name !== 'main') continue;
      return `[${section.name}] in line ${section.origin.line} has no name: write [${kind}:main].`;
    }
    const prefix = section.name.slice(0, colon);
    if (strip(section.name.slice(colon + 1)) !== name || definedBy(section) !== undefined) continue;
    const meant = strip(prefix).toLowerCase();
    if (definedBy({ ...section, name: `${meant}:x` })?.kind !== kind) continue;
    return `The header [${section.name}] in line ${section.origin.line} is never found: write [${meant}:${name}].`;
  }
  return undefined;
}

function spoiltName(document: PasteDocument, kind: Kind, name: string): string | undefined {
  const names = namesOf(document, kind);
  if (name.endsWith(',') && names.includes(name.slice(0, -1))) {
    return `Names are separated by blanks; the comma became part of the name "${name.slice(0, -1)}".`;
  }
  if (/^[#;]/.test(name)) return NO_INLINE_COMMENTS;
  const [first] = name.split(/\s+[#;]/, 1);
  if (first !== undefined && first !== name) {
    return NO_INLINE_COMMENTS;
  }
  if (name.endsWith('.ini') || /^\.{0,2}\//.test(name)) return `To load another file, write "config:${name}".`;
  if (name.startsWith('\n'))
    return 'The value begins on the line after its option, so it begins with a newline: put it on the same line.';
  return undefined;
}

function listed(kind: Kind): string {
  return `${kind[0]!.toUpperCase()}${kind.slice(1)}s`;
}

/** The first ten names, and how many more there are. */
export function upTo10(names: readonly string[]): string {
  const shown = names
    .slice(0, 10)
    .map((name) => name || '""')
    .join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
