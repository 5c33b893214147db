/**
 * References: how they are written (after `use`, in a pipeline, at a mount), where each is that a load follows, and
 * which others led to it.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Origin } from '../errors/index.js';
import { type PasteSection, strip } from '../ini/index.js';
import { PasteError, type PasteReference } from './paste-error.js';
import type { Kind } from './section.js';
import { originOf, type Setting, type ValueOrigin } from './source.js';

/** A reference taken apart: a name of the same file, or a URI. */
export type ParsedReference =
  | { readonly form: 'name'; readonly name: string }
  | { readonly form: 'config'; readonly path: string; readonly name: string }
  | { readonly form: 'egg'; readonly distribution: string; readonly name: string }
  | { readonly form: 'call'; readonly expression: string }
  | { readonly form: 'unknown'; readonly scheme: string };

/**
 * A reference is a URI when it starts with ASCII letters and a colon; so `v2:x` and `my-app:x` are names, and `app:x`
 * and `C:/x.ini` are unknown schemes. The name is what follows the first `#`, without one `main`.
 */
export function parseReference(text: string): ParsedReference {
  const scheme = /^[a-zA-Z]+(?=:)/.exec(text)?.[0];
  if (scheme === undefined) return { form: 'name', name: text };
  const hash = text.indexOf('#');
  const rest = text.slice(scheme.length + 1, hash < 0 ? undefined : hash);
  const name = hash < 0 ? 'main' : text.slice(hash + 1);
  switch (scheme.toLowerCase()) {
    case 'config':
      return { form: 'config', path: rest, name };
    case 'egg':
      return { form: 'egg', distribution: rest, name };
    case 'call':
      // Before a "#" without an export, `module#export` is meant; otherwise what follows it is ignored.
      return { form: 'call', expression: /:[^/]*$/.test(rest) ? rest : text.slice(scheme.length + 1) };
    default:
      return { form: 'unknown', scheme: scheme.toLowerCase() };
  }
}

/**
 * Whether a name that no section has is a module and an export, `package/subpath:export` or `./file.js:export`: that
 * means the same as with `call:` in front.
 */
export function isModuleReference(text: string): boolean {
  return /^(?:\.{1,2}\/|@?[\w.-]+\/)\S*[:#][\p{ID_Continue}$.]+$/u.test(text);
}

/**
 * The file that `written` means, the path of the reference `text`: relative to the folder of `from`, the file that is
 * asked. Undefined: a distribution is asked. `\` counts as `/`. As in PasteDeploy, a path is absolute only if it is
 * written with a `/` at its very beginning, and blanks are dropped at its end alone.
 */
export function includedPath(from: string | undefined, text: string, written: string, origin?: Origin): string {
  const path = strip(`/${decodePercent(written.replaceAll('\\', '/'))}`);
  if (isAbsolute(written)) return resolve(path);
  if (from !== undefined) return resolve(dirname(from) + path);
  throw new PasteError('PORTICO_PASTE_BAD_RELATIVE_URI', {
    message: `${JSON.stringify(text)} is relative to no file, because a distribution refers to it.`,
    hint: 'Write an absolute path, or let a section of the file "use" the composite.',
    origin,
  });
}

/** Percent escapes decoded once, as UTF-8. A malformed escape stays as it is, a malformed sequence becomes U+FFFD. */
function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** The place of a reference. */
interface Standing {
  /** Looked up only when an error needs it. Undefined when a program asked. */
  readonly value: () => ValueOrigin | undefined;
  /** The option, where the reference is the whole value of it. */
  readonly option?: Origin | undefined;
}

/** The context of a composite. */
interface Composite {
  readonly reference: Reference;
  readonly section: PasteSection | undefined;
  readonly localConf: ReadonlyMap<string, Setting>;
}

/** A reference that was followed: from a section, a composite or a program to a section or a factory. */
export class Reference {
  readonly kind: Kind;
  /** Undefined where a composite asks its loader for no name. */
  readonly text: string | undefined;
  /** The reference to the section that this one is in. */
  readonly from: Reference | undefined;
  /** The one that a composition began with: what a program or a composite asked for. */
  readonly first: Reference;
  /** How many references lead here, this one included; the file and the section of `config:` count each. */
  depth: number;
  /** The nearest `config:` among them: how the file came to be opened. */
  include: Reference | undefined;
  /** The section it led to. */
  section: PasteSection | undefined;
  /** global_conf on arrival there, before the section's own `set`. */
  incoming: ReadonlyMap<string, string> | undefined;
  readonly #standing: Standing;

  private constructor(kind: Kind, text: string | undefined, from?: Reference, standing = NOWHERE, first?: Reference) {
    this.kind = kind;
    this.text = text;
    this.from = from;
    this.first = first ?? this;
    this.depth = (from?.depth ?? 0) + 1;
    this.include = from?.include;
    this.#standing = standing;
  }

  /** A program's own reference: it has no place in a file. */
  static asked(kind: Kind, text: string): Reference {
    return new Reference(kind, text);
  }

  /** A reference in the section that this one led to: a whole value, or the word of it that begins at `start`. */
  to(kind: Kind, text: string, setting: Setting, start?: number): Reference {
    const value = () => originOf(setting, start ?? 0);
    const option = start === undefined ? setting.option.origin : undefined;
    return new Reference(kind, text, this, { value, option }, this.first);
  }

  /** A composite's reference to its child; it is in `option`, where that is known. */
  static ofChild(composite: Composite, kind: Kind, text: string | undefined, option?: string): Reference {
    const value = () => (text === undefined ? undefined : originOfChild(composite, text, option));
    return new Reference(kind, text, composite.reference, { value });
  }

  get origin(): Origin | undefined {
    return this.#standing.value()?.origin;
  }

  /** The option it is in; in a list, the word. */
  get option(): Origin | undefined {
    return this.#standing.option ?? this.origin;
  }

  /** The options that it comes from by interpolation, where its text is not written there. */
  get via(): readonly PasteReference[] {
    return this.#standing.value()?.via ?? [];
  }

  /** The references that led here, outermost first, this one last. */
  trace(): PasteReference[] {
    const trace: PasteReference[] = [];
    for (const { text, origin, via } of this.#upwards()) {
      if (text !== undefined && origin !== undefined) trace.unshift({ text, origin }, ...via);
    }
    return trace;
  }

  /** The error with the references that led to it, and the line of the `config:` that opened its file. */
  explain<E>(error: E): E | PasteError {
    if (!(error instanceof PasteError)) return error;
    const own = this.origin;
    const origin = error.origin ?? own;
    const isHere = origin !== undefined && origin.line === own?.line && origin.file === own.file;
    const before =
      error.via.length > 0 && error.origin === undefined ? error.via : (isHere ? this.from : this)?.trace();
    const via = [...(before ?? []), ...(isHere ? this.via : [])];
    const included = this.include?.origin;
    const inIncluded = included !== undefined && error.origin?.file !== included.file;
    const from = inIncluded ? ` Included from ${included.file}:${included.line}.` : '';
    return error.with({ origin, hint: `${error.hint ?? ''}${from}`.trimStart() || undefined, via });
  }

  /**
   * The error for a section that leads to itself, if this one does: with the same kind, section and global_conf. With
   * another global_conf it may lead elsewhere: `get use = x` depends on it.
   *
   * A composite's child is loaded when the composite is created: inside that load, what an outer load met counts only if
   * both were asked for as they are. So a mistake further on in the child is reported, as PasteDeploy reports it.
   */
  cycle(): PasteError | undefined {
    const met = this.#metBefore();
    if (met === undefined) return undefined;
    const names: string[] = [];
    for (const at of this.#upwards()) {
      if (at.section !== undefined) names.unshift(at.section.name);
      if (at === met) break;
    }
    const shown = names.length > 20 ? [...names.slice(0, 19), '…', names.at(-1)!] : names;
    const sentence = shown.slice(1).map((name, step) => `${shown[step]} leads to ${name}`);
    return new PasteError('PORTICO_PASTE_CYCLE', {
      message: `${sentence.join(', ')}: this is a cycle.`,
      hint: 'Change one of these references.',
      origin: this.origin,
    });
  }

  *#upwards(): Generator<Reference> {
    yield this;
    for (let at = this.from; at !== undefined; at = at.from) yield at;
  }

  #metBefore(): Reference | undefined {
    for (let at = this.from; at !== undefined; at = at.from) {
      if (at.section !== this.section || at.kind !== this.kind) continue;
      if (at.first !== this.first && (at !== at.first || this !== this.first)) continue;
      if (isSame(at.incoming, this.incoming)) return at;
    }
    return undefined;
  }
}

const NOWHERE: Standing = { value: () => undefined };

function isSame(a: ReadonlyMap<string, string> | undefined, b: ReadonlyMap<string, string> | undefined): boolean {
  if (a === undefined || b === undefined || a.size !== b.size) return false;
  for (const [name, value] of a) if (b.get(name) !== value) return false;
  return true;
}

/** The option of the composite that holds the reference, as its value or as a word of a list. */
function originOfChild(composite: Composite, text: string, option: string | undefined): ValueOrigin | undefined {
  const known = option === undefined ? undefined : composite.localConf.get(option);
  const settings = known === undefined ? [...composite.localConf.values()] : [known];
  const whole = settings.find(({ value }) => value === text);
  if (whole !== undefined) return originOf(whole);
  const listed = settings.find(({ value }) => wordStart(value, text) >= 0);
  if (listed !== undefined) return originOf(listed, wordStart(listed.value, text));
  const { origin } = composite.section ?? composite.reference;
  return origin === undefined ? undefined : { origin, via: [] };
}

function wordStart(value: string, word: string): number {
  for (let at = value.indexOf(word); at >= 0; at = value.indexOf(word, at + 1)) {
    const before = value[at - 1] ?? ' ';
    const after = value[at + word.length] ?? ' ';
    if (/\s/.test(before) && /\s/.test(after)) return at;
  }
  return -1;
}
