/**
 * Reads a policy file: a mapping of names to rules in YAML 1.1, of which JSON is a part. Each rule has its location in the file.
 */
import { isUtf8 } from 'node:buffer';
import { type Diagnostic, type Location, locationInFile, shownPath } from 'portico/extension';
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
} from 'yaml';
import { type ParsedRule, parseRule } from './parse-rule.js';
import { shown } from './policy-error.js';

/** A rule of a file. */
export interface FileRule {
  readonly name: string;
  readonly parsed: ParsedRule;
  readonly location: Location;
}

/** The content of a policy file. */
export interface PolicyFile {
  /** Rules in their order; of two with the same name the last. */
  readonly rules: ReadonlyMap<string, FileRule>;
  /** Errors, which refuse the file, and warnings. */
  readonly problems: readonly Diagnostic[];
  /** True if the file could not be loaded: none of its rules applies. */
  readonly isBroken: boolean;
}

/** Code of all findings in a policy file. */
export const POLICY_FILE = 'PORTICO_POLICY_FILE';

const UNQUOTED_DENY = 'For a rule that denies everybody write "!" with quotes; for one that allows everybody "@".';
const NEEDS_QUOTES = 'A rule that begins with @, !, % or a quote needs quotes around it.';

/** Characters that PyYAML refuses, and those that end a line for it only: a rule behind one would be a part of a comment. */
const CONTROL = /[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

/** Reads a policy file, in UTF-8. `file`: its path. */
export function readPolicyFile(file: string, content: Uint8Array): PolicyFile {
  return new PolicyFileReader(shownPath(file), content).read();
}

class PolicyFileReader {
  readonly #file: string;
  readonly #isUtf8: boolean;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: ReturnType<typeof parseDocument>;
  readonly #rules = new Map<string, FileRule>();
  readonly #problems: Diagnostic[] = [];
  #isBroken = false;

  constructor(file: string, content: Uint8Array) {
    this.#file = file;
    this.#isUtf8 = isUtf8(content);
    this.#text = new TextDecoder().decode(content).replaceAll(/\r\n?/g, '\n');
    this.#document = parseDocument(this.#text, {
      version: '1.1',
      // PyYAML reads each file by YAML 1.1, also behind `%YAML 1.2`.
      schema: 'yaml-1.1',
      uniqueKeys: false,
      lineCounter: this.#lines,
      logLevel: 'error',
      prettyErrors: false,
    });
  }

  read(): PolicyFile {
    const { contents, errors, warnings } = this.#document;
    if (!this.#isUtf8) this.#break(0, 'the file is not encoded in UTF-8');
    for (const { message, pos } of [...errors, ...warnings])
      this.#break(pos[0], `the file is neither YAML nor JSON: ${message}`, NEEDS_QUOTES);
    const control = CONTROL.exec(this.#text);
    if (control !== null) this.#break(control.index, 'the file has a control character', 'Remove it.');
    const isEmpty = contents === null || (isScalar(contents) && !contents.value);
    if (!this.#isBroken && isMap(contents)) {
      const offsets = new Map<string, number>();
      for (const { key, value } of contents.items as Pair<Node | null, Node | null>[]) this.#pair(key, value, offsets);
    } else if (!this.#isBroken && !isEmpty) {
      this.#break(0, 'the file is no mapping of names to rules', 'Write lines such as "books:list": "role:reader".');
    }
    return { rules: this.#rules, problems: this.#problems, isBroken: this.#isBroken };
  }

  #pair(key: Node | null, node: Node | null, offsets: Map<string, number>): void {
    const at = key?.range?.[0] ?? 0;
    const before = this.#problems.length;
    const name = this.#read(key);
    const value = this.#read(node);
    if (this.#problems.length > before) return;
    if (typeof name !== 'string') {
      const source = isScalar(key) ? ` ${key.source?.slice(0, 100)}` : '';
      this.#break(at, `the name${source} is no text in YAML, so its rule would never be used`, 'Put quotes around it.');
      return;
    }
    const first = offsets.get(name);
    offsets.set(name, at);
    if (first !== undefined) {
      const { line } = this.#lines.linePos(first);
      const message = `the rule ${shown(name)} replaces that of line ${line}`;
      this.#note('warning', at, message, 'Remove one of them.');
    }
    this.#add(name, value, node?.range?.[0] ?? at, isScalar(node) ? (node.source ?? '') : '');
  }

  /**
   * Returns a text or lists of texts, as rules have them, and what YAML makes of other scalars; a mapping is undefined. A rule has at most
   * two lists, one in another, so deeper ones, as in `&a [*a]`, end there.
   */
  #read(written: Node | null, depth = 0): unknown {
    const node = isAlias(written) ? written.resolve(this.#document) : written;
    if (node === null) return null;
    if (node === undefined) {
      this.#break(written?.range?.[0] ?? 0, `there is no anchor &${(written as Alias).source}`);
      return undefined;
    }
    if (isScalar(node) && node.type === Scalar.PLAIN) {
      // `a: !` is an empty text with a tag, which would allow everybody.
      if (node.value === '') return null;
      // PyYAML reads `y` and `n` as texts.
      if (/^[yn]$/i.test(node.source ?? '')) return node.source;
    }
    // For PyYAML an anchor ends before the first other character, which begins the text.
    if (/[^\w-]/.test(node.anchor ?? ''))
      this.#break(node.range?.[0] ?? 0, `the anchor &${node.anchor} is not made of letters, digits, _ and -`);
    if (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:str')
      this.#break(node.range?.[0] ?? 0, `the tag ${node.tag} of YAML has no meaning here`, NEEDS_QUOTES);
    if (isScalar(node)) return node.value;
    return isSeq<Node>(node) && depth < 2 ? node.items.map((each) => this.#read(each, depth + 1)) : undefined;
  }

  #add(name: string, value: unknown, offset: number, source: string): void {
    const rule = `the rule ${shown(name)}`;
    const isEmpty = value === null || value === false || value === 0;
    const isRule = Array.isArray(value)
      ? value.flat().every((each) => typeof each === 'string')
      : typeof value === 'string';
    if (!isRule && !isEmpty) {
      const message = `${rule} ${source === '' ? 'has an item' : `is ${source.slice(0, 100)}`}, which is no text in YAML`;
      this.#break(offset, message, 'A rule is a text: put quotes around it.');
      return;
    }
    const why = `${source || 'without a value it'} is an empty rule in YAML, which would allow everybody`;
    const parsed: ParsedRule = isEmpty
      ? {
          check: { is: 'broken', why },
          problems: [{ severity: 'error', message: why, hint: UNQUOTED_DENY }],
          failed: false,
        }
      : parseRule(value);
    this.#rules.delete(name);
    this.#rules.set(name, { name, parsed, location: this.#locate(offset) });
    for (const { severity, message, hint } of parsed.problems)
      this.#note(severity, offset, `${rule}: ${message}`, hint);
  }

  #break(offset: number, message: string, hint?: string): void {
    this.#isBroken = true;
    this.#note('error', offset, message, hint);
  }

  #note(severity: Diagnostic['severity'], offset: number, message: string, hint?: string): void {
    this.#problems.push({ severity, code: POLICY_FILE, location: this.#locate(offset), message, hint });
  }

  #locate(offset: number): Location {
    const { line, col } = this.#lines.linePos(offset);
    const text = this.#text.split('\n')[(line || 1) - 1];
    return locationInFile({ file: this.#file, line: line || 1, column: col || 1, text });
  }
}
