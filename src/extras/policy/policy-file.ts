/**
 * Reads a policy file: a mapping of names to rules in YAML 1.1, of which JSON is a part. Each rule has its location in the file.
 */
import { isUtf8 } from 'node:buffer';
import { type Diagnostic, type Location, locationInFile, shownPath } from 'portico/extension';
import { isAlias, isMap, isNode, isScalar, LineCounter, type Node, parseDocument, Scalar } from 'yaml';
import { type ParsedRule, parseRule } from './parse-rule.js';

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

/** Reads a policy file, in UTF-8. `file`: its path. */
export function readPolicyFile(file: string, content: Uint8Array): PolicyFile {
  return new PolicyFileReader(shownPath(file), content).read();
}

class PolicyFileReader {
  readonly #file: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: ReturnType<typeof parseDocument>;
  readonly #rules = new Map<string, FileRule>();
  readonly #problems: Diagnostic[] = [];
  #isBroken = false;

  constructor(file: string, content: Uint8Array) {
    this.#file = file;
    this.#text = Buffer.from(content).toString();
    const options = { uniqueKeys: false, lineCounter: this.#lines, logLevel: 'error', prettyErrors: false } as const;
    this.#document = parseDocument(this.#text, { ...options, version: '1.1' });
    if (!isUtf8(content)) this.#break(0, 'the file is not encoded in UTF-8');
  }

  read(): PolicyFile {
    const { contents, errors, warnings } = this.#document;
    const hint = 'A rule that begins with @, !, % or a quote needs quotes around it.';
    for (const { message, pos } of [...errors, ...warnings])
      this.#break(pos[0], `the file is neither YAML nor JSON: ${message}`, hint);
    const isEmpty = contents === null || (isScalar(contents) && !contents.value);
    if (!this.#isBroken && isMap(contents)) {
      const offsets = new Map<string, number>();
      for (const { key, value } of contents.items) this.#pair(key, value, offsets);
    } else if (!this.#isBroken && !isEmpty) {
      this.#break(0, 'the file is no mapping of names to rules', 'Write lines such as "books:list": "role:reader".');
    }
    return { rules: this.#rules, problems: this.#problems, isBroken: this.#isBroken };
  }

  #pair(key: unknown, value: unknown, offsets: Map<string, number>): void {
    const at = offsetOf(key) ?? 0;
    // PyYAML reads `y` and `n` as text.
    const name = isScalar(key) ? (/^[yn]$/i.test(key.source ?? '') ? key.source : key.value) : undefined;
    if (!isScalar(key) || typeof name !== 'string') {
      const message = `the name ${isScalar(key) ? key.source : 'here'} is no text in YAML, so this rule is never used`;
      this.#note('warning', at, message, 'Put quotes around it.');
      return;
    }
    if (isAlias(value) && value.resolve(this.#document) === undefined) {
      this.#break(value.range?.[0] ?? at, `there is no anchor &${value.source}`);
      return;
    }
    const first = offsets.get(name);
    offsets.set(name, at);
    if (first !== undefined) {
      const { line } = this.#lines.linePos(first);
      const message = `the rule ${JSON.stringify(name)} replaces that of line ${line}`;
      this.#note('warning', at, message, 'Remove one of them.');
    }
    const shown = isScalar(value) ? (value.source ?? '') : '';
    // `a: !` is an empty text, which a rule in quotes may be.
    const isAbsent = isScalar(value) && value.type === Scalar.PLAIN && value.value === '';
    const read: unknown = isAbsent || !isNode(value) ? null : value.toJS(this.#document);
    this.#add(name, read, offsetOf(value) ?? at, shown);
  }

  #add(name: string, value: unknown, offset: number, shown: string): void {
    const rule = `the rule ${JSON.stringify(name)}`;
    const isRule = typeof value === 'string' || Array.isArray(value) || !value;
    if (!isRule || (Array.isArray(value) && !value.flat().every((each) => typeof each === 'string'))) {
      const message = `${rule} ${shown === '' ? 'has an item' : `is ${shown}`}, which is no text in YAML`;
      this.#break(offset, message, 'A rule is a text: put quotes around it.');
      return;
    }
    // An empty list is a rule of the older form.
    const isEmpty = typeof value !== 'string' && !Array.isArray(value);
    const why = `${shown || 'without a value it'} is an empty rule in YAML, which would allow everybody`;
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
    const text = this.#text.split(/\r\n?|\n/)[(line || 1) - 1];
    return locationInFile({ file: this.#file, line: line || 1, column: col || 1, text });
  }
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
