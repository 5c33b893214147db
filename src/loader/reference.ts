/**
 * The references that a load follows, each with its location and the references that led to it.
 */
import type { Origin } from '../errors/index.js';
import type { PasteSection } from '../ini/index.js';
import { PasteError, type PasteReference } from './paste-error.js';
import type { Kind } from './section.js';
import { originOf, type Setting, type ValueOrigin } from './source.js';

/** Returns the location of a reference; undefined for one from code. */
type Standing = () => ValueOrigin | undefined;

/** The context of a composite. */
interface Composite {
  readonly reference: Reference;
  readonly section: PasteSection | undefined;
  readonly localConf: ReadonlyMap<string, Setting>;
}

/** A reference that was followed: from a section, a composite or code to a section or a factory. */
export class Reference {
  readonly kind: Kind;
  /** Undefined if a composite asks its loader for no name. */
  readonly text: string | undefined;
  /** The reference to the section that contains this one. */
  readonly from: Reference | undefined;
  /** The first reference of the chain: that of code or a composite. */
  readonly first: Reference;
  /** The number of references that lead here, this one included; `config:` counts twice, for the file and the section. */
  depth: number;
  /** The nearest `config:` among them, which opened the file. */
  include: Reference | undefined;
  /** The section it refers to. */
  section: PasteSection | undefined;
  /** The entry point that it refers to, as `egg:distribution#name`. */
  entryPoint: string | undefined;
  /** The global_conf on entry to that section or entry point, before `set` options. */
  incoming: ReadonlyMap<string, string> | undefined;
  readonly #standing: Standing;
  /** Computed once, when an error needs it. */
  #stands: ValueOrigin | undefined;

  private constructor(kind: Kind, text: string | undefined, from?: Reference, standing = NOWHERE, first?: Reference) {
    this.kind = kind;
    this.text = text;
    this.from = from;
    this.first = first ?? this;
    this.depth = (from?.depth ?? 0) + 1;
    this.include = from?.include;
    this.#standing = standing;
  }

  /** Returns a reference from code, which has no location in a file. */
  static asked(kind: Kind, text: string): Reference {
    return new Reference(kind, text);
  }

  /** Returns a reference in the section that this one refers to: a whole value, or the word of it that begins at `start`. */
  to(kind: Kind, text: string, setting: Setting, start?: number): Reference {
    return new Reference(kind, text, this, () => originOf(setting, start), this.first);
  }

  /** Returns a composite's reference to its child, in `option` if that is known. */
  static ofChild(composite: Composite, kind: Kind, text: string | undefined, option?: string): Reference {
    const standing = () => (text === undefined ? undefined : originOfChild(composite, text, option));
    return new Reference(kind, text, composite.reference, standing);
  }

  get origin(): Origin | undefined {
    return this.#place?.origin;
  }

  /** The options that it comes from by interpolation, if its text is not written at its location. */
  get via(): readonly PasteReference[] {
    return this.#place?.via ?? [];
  }

  get #place(): ValueOrigin | undefined {
    this.#stands ??= this.#standing();
    return this.#stands;
  }

  /** Returns the references that led here, outermost first, this one last. */
  trace(): PasteReference[] {
    const trace: PasteReference[] = [];
    for (const { text, origin, via } of this.#upwards()) {
      if (text !== undefined && origin !== undefined) trace.unshift({ text, origin }, ...via);
    }
    return trace;
  }

  /** Adds to an error the references that led to it, and the line of the `config:` that opened its file. */
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
    const from = inIncluded ? `Included from ${included.file}:${included.line}.` : undefined;
    // A hint of several lines ends with one to copy.
    const hints = [error.hint, from].filter((text) => text !== undefined);
    const hint = hints.join(error.hint?.includes('\n') === true ? '\n  ' : ' ') || undefined;
    return error.with({ origin, hint, via });
  }

  /**
   * Returns the error for a section or entry point that leads to itself with the same kind and global_conf, or undefined. With another
   * global_conf it may lead elsewhere, because `get use = x` depends on it.
   *
   * A composite's child is loaded when the composite is created. In that load, a section of an outer load counts only if both were the
   * first of their chains, so that a later error in the child is reported, as in PasteDeploy.
   */
  cycle(): PasteError | undefined {
    const met = this.#metBefore();
    if (met === undefined) return undefined;
    const names: string[] = [];
    for (const at of this.#upwards()) {
      const name = at.section?.name ?? at.entryPoint;
      if (name !== undefined) names.unshift(name);
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
      if (at.section !== this.section || at.entryPoint !== this.entryPoint || at.kind !== this.kind) continue;
      if (at.first !== this.first && (at !== at.first || this !== this.first)) continue;
      if (isSame(at.incoming, this.incoming)) return at;
    }
    return undefined;
  }
}

const NOWHERE: Standing = () => undefined;

function isSame(a: ReadonlyMap<string, string> | undefined, b: ReadonlyMap<string, string> | undefined): boolean {
  if (a === undefined || b === undefined || a.size !== b.size) return false;
  for (const [name, value] of a) if (b.get(name) !== value) return false;
  return true;
}

/** Returns the location of the composite's option that contains the reference, as its value or as a word of a list. */
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
