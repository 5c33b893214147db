/**
 * Reads a policy file: a mapping of names to rules in YAML 1.1, as PyYAML reads it, or in JSON. Each rule has its location in the file.
 */
import { isUtf8 } from 'node:buffer';
import { type Diagnostic, isObject, type Location, locationInFile, shownPath } from 'portico/extension';
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  Scalar,
  type YAMLMap,
} from 'yaml';
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
  /** True if the reference could not load the file: none of its rules applies. */
  readonly isBroken: boolean;
}

/** Code of all findings in a policy file. */
export const POLICY_FILE = 'PORTICO_POLICY_FILE';

/** Reads a policy file, in UTF-8. `file`: its path. */
export function readPolicyFile(file: string, content: Uint8Array): PolicyFile {
  return new PolicyFileReader(shownPath(file), content).read();
}

/** A value that YAML makes of a scalar, as far as rules differ by it. */
interface Value {
  /** `empty`: null, false or 0, with which the reference allows everybody. `other`: a number, true, a date. */
  readonly type: 'text' | 'empty' | 'other' | 'list';
  readonly value: unknown;
}

/** A rule as written: its name, its value, its offset, and its text for messages. */
type Written = readonly [name: string, value: Value, offset: number, shown: string];

const UNQUOTED_DENY = 'For a rule that denies everybody write "!" with quotes; for one that allows everybody "@".';

class PolicyFileReader {
  readonly #file: string;
  readonly #text: string;
  readonly #rows: readonly string[];
  readonly #lines = new LineCounter();
  readonly #document: ReturnType<typeof parseDocument>;
  readonly #rules = new Map<string, FileRule>();
  readonly #problems: Diagnostic[] = [];
  #isBroken = false;
  readonly #isText: boolean;

  constructor(file: string, content: Uint8Array) {
    this.#file = file;
    this.#isText = isUtf8(content);
    this.#text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content).replace(/\r\n?/g, '\n');
    this.#rows = this.#text.split('\n');
    this.#document = parseDocument(this.#text, {
      version: '1.1',
      // All scalars are texts: their types are PyYAML's, not those of this library.
      schema: 'failsafe',
      uniqueKeys: false,
      lineCounter: this.#lines,
      logLevel: 'error',
      prettyErrors: false,
    });
  }

  read(): PolicyFile {
    if (!this.#isText) this.#break(0, 'the file is not encoded in UTF-8');
    const json = this.#asJson();
    if (json !== undefined) this.#takeJson(json.value);
    else this.#takeYaml();
    return { rules: this.#rules, problems: this.#problems, isBroken: this.#isBroken };
  }

  /** The reference tries JSON first, which allows more in some places. */
  #asJson(): { readonly value: unknown } | undefined {
    try {
      return { value: JSON.parse(this.#text) };
    } catch {
      return undefined;
    }
  }

  #takeJson(content: unknown): void {
    if (!isObject(content)) {
      if (content && (!Array.isArray(content) || content.length > 0)) this.#noMapping(0);
      return;
    }
    const { contents } = this.#document;
    const offsets = new Map<unknown, number>();
    for (const { key } of isMap(contents) ? contents.items : [])
      if (isScalar(key)) this.#noteName(offsets, key.value, key.range?.[0] ?? 0);
    for (const [name, value] of Object.entries(content)) {
      const type = typeof value === 'string' ? 'text' : !value ? 'empty' : typeof value === 'object' ? 'list' : 'other';
      this.#add([name, { type, value }, offsets.get(name) ?? 0, JSON.stringify(value)]);
    }
  }

  #takeYaml(): void {
    const { contents, errors } = this.#document;
    for (const { message, pos } of errors) {
      this.#break(
        pos[0],
        `the file is neither YAML nor JSON: ${message}`,
        'A rule that begins with @, !, % or a quote needs quotes around it.',
      );
    }
    const unprintable = UNPRINTABLE.exec(this.#text);
    if (unprintable !== null)
      this.#break(unprintable.index, 'the file has a control character, which YAML does not allow');
    const tab = tabIn(this.#text);
    if (tab !== undefined) this.#break(tab, 'the file has a tab outside of quotes', 'Write blanks instead.');
    if (this.#isBroken) return;
    if (contents === null || (isScalar(contents) && this.#scalar(contents).type === 'empty')) return;
    if (isScalar(contents) && contents.value === '') return;
    if (isSeq(contents) && contents.items.length === 0) return;
    if (!isMap(contents)) {
      this.#noMapping(0);
      return;
    }
    const offsets = new Map<unknown, number>();
    const written = new Map<string, Written>();
    for (const [key, node] of this.#pairs(contents)) {
      const at = key.range?.[0] ?? 0;
      const name = key.value === '=' ? ({ type: 'text', value: '=' } as const) : this.#scalar(key);
      const shown = isScalar(node) ? (node.source ?? '') : '';
      const before = this.#problems.length;
      const value = this.#value(node, 0);
      if (this.#problems.length > before) continue;
      if (name.type === 'text') {
        this.#noteName(offsets, name.value, at);
        written.set(name.value as string, [name.value as string, value, node?.range?.[0] ?? at, shown]);
        continue;
      }
      const message = `the name ${key.source ?? ''} is no text in YAML, so this rule is never used`;
      this.#note('warning', at, message, 'Put quotes around it.');
      if (value.type === 'other') this.#break(at, `its rule ${shown} is no text either`);
    }
    for (const each of written.values()) this.#add(each);
  }

  /** Returns the pairs of a mapping, those of merged ones first. */
  #pairs(map: YAMLMap, depth = 0): (readonly [Scalar, Node | null])[] {
    const merged: (readonly [Scalar, Node | null])[] = [];
    const own: (readonly [Scalar, Node | null])[] = [];
    for (const { key: written, value } of map.items) {
      const key = this.#target((written ?? null) as Node | null) ?? new Scalar('');
      const node = (value ?? null) as Node | null;
      const at = (written as Node | null)?.range?.[0] ?? map.range?.[0] ?? 0;
      if (!isScalar(key)) this.#break(at, 'a name of a rule is no text');
      else if (key.type === Scalar.PLAIN && key.value === '<<') {
        const from = this.#target(node);
        const maps = isSeq(from) ? from.items.map((each) => this.#target(each as Node)) : [from];
        if (depth > 9 || !maps.every(isMap)) this.#break(at, 'what is merged by << is no mapping');
        else merged.unshift(...maps.toReversed().flatMap((each) => this.#pairs(each as YAMLMap, depth + 1)));
      } else own.push([key, node]);
    }
    return [...merged, ...own];
  }

  #target(node: Node | null): Node | null {
    if (!isAlias(node)) return node;
    const found = node.resolve(this.#document);
    if (found === undefined) this.#break(node.range?.[0] ?? 0, `there is no anchor &${node.source}`);
    return found ?? null;
  }

  /** Returns a value as JSON; words of a rule are at most two lists deep. */
  #value(written: Node | null, depth: number): Value {
    const node = this.#target(written);
    if (node === null) return { type: 'empty', value: null };
    if (isScalar(node)) return this.#scalar(node);
    if (node.tag !== undefined && !/:(?:map|seq|set)$/.test(node.tag)) this.#refuseTag(node, node.tag);
    if (depth > 2) return { type: 'list', value: [] };
    const items = isMap(node) ? this.#pairs(node).map(([key]) => key) : isSeq(node) ? (node.items as Node[]) : [];
    const inner = items.map((each) => this.#value(each, depth + 1).value);
    return { type: inner.length === 0 ? 'empty' : 'list', value: inner };
  }

  /** Returns a scalar as PyYAML resolves it. */
  #scalar(node: Scalar): Value {
    const text = (node.value as string | null) ?? '';
    const short = node.tag?.replace('tag:yaml.org,2002:', '');
    if (short === 'str') return { type: 'text', value: text };
    const isTyped =
      short === 'null' || short === 'bool' || short === 'int' || short === 'float' || short === 'timestamp';
    if (short !== undefined && short !== '!' && !isTyped) this.#refuseTag(node, node.tag!);
    if (!isTyped && short !== '!' && node.type !== Scalar.PLAIN && node.type !== undefined)
      return { type: 'text', value: text };
    if (NULL.test(text) || short === 'null') return { type: 'empty', value: null };
    if (BOOLEAN.test(text)) return FALSE.test(text) ? { type: 'empty', value: false } : { type: 'other', value: true };
    if (INTEGER.test(text))
      return /[1-9a-f]/i.test(text.replace(/^[-+]?0[xb]/, ''))
        ? { type: 'other', value: 1 }
        : { type: 'empty', value: 0 };
    if (FLOAT.test(text))
      return /[1-9]|inf|nan/i.test(text.replace(/e.*/i, ''))
        ? { type: 'other', value: 1 }
        : { type: 'empty', value: 0 };
    if (TIMESTAMP.test(text)) return { type: 'other', value: 1 };
    if (text === '=' || text === '<<')
      this.#break(node.range?.[0] ?? 0, `${text} has a special meaning in YAML`, 'Put quotes around it.');
    return { type: 'text', value: text };
  }

  #refuseTag(node: Node, tag: string): void {
    this.#break(
      node.range?.[0] ?? 0,
      `the tag ${tag} of YAML has no meaning here`,
      'Put quotes around a rule that begins with !.',
    );
  }

  #add([name, { type, value }, offset, shown]: Written): void {
    const location = this.#locate(offset);
    const isOther = (each: unknown): boolean => each === true || (typeof each === 'number' && each !== 0);
    if (type === 'other' || (Array.isArray(value) && value.some(isOther))) {
      const what = `the rule ${JSON.stringify(name)} ${shown === '' ? 'has an item' : `is ${shown}`}, which is no text in YAML`;
      this.#break(offset, what, 'A rule is a text: put quotes around it.');
      return;
    }
    let parsed = parseRule(value);
    // An empty list is a rule of the older form.
    if (type === 'empty' && !Array.isArray(value)) {
      const why = `${shown || 'without a value it'} is an empty rule in YAML, which would allow everybody`;
      parsed = {
        check: { is: 'broken', why },
        problems: [{ severity: 'error', message: why, hint: UNQUOTED_DENY }],
        failed: false,
      };
    }
    this.#rules.delete(name);
    this.#rules.set(name, { name, parsed, location });
    for (const { severity, message, hint } of parsed.problems)
      this.#note(severity, offset, `the rule ${JSON.stringify(name)}: ${message}`, hint);
  }

  #noteName(offsets: Map<unknown, number>, name: unknown, offset: number): void {
    const first = offsets.get(name);
    offsets.set(name, offset);
    if (first === undefined) return;
    const { line } = this.#lines.linePos(first);
    this.#note(
      'warning',
      offset,
      `the rule ${JSON.stringify(name)} replaces that of line ${line}`,
      'Remove one of them.',
    );
  }

  #noMapping(offset: number): void {
    this.#break(offset, 'the file is no mapping of names to rules', 'Write lines such as "books:list": "role:reader".');
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
    const origin = {
      file: this.#file,
      line: line || 1,
      column: col || 1,
      text: this.#rows[(line || 1) - 1],
    };
    return locationInFile(origin);
  }
}

/** Marks between the words that the lexer returns, without a character in the text: of a document, a flow, and a plain or block text. */
const TEXT_MARK = '\x1f';
const MARKS = ['\x02', '\x18', TEXT_MARK];

/** Returns the offset of a tab that separates words: PyYAML allows them only in quotes, comments and blocks of text. */
function tabIn(text: string): number | undefined {
  let offset = 0;
  let isPlain = false;
  let isBlock = false;
  for (const lexeme of text.includes('\t') ? new Lexer().lex(text) : []) {
    if (MARKS.includes(lexeme)) isPlain = lexeme === TEXT_MARK;
    else {
      const isText = isPlain && isBlock;
      if (!isText && (isPlain || /^\s+$/.test(lexeme)) && lexeme.includes('\t')) return offset + lexeme.indexOf('\t');
      isBlock = !isPlain && (isBlock || /^[|>]/.test(lexeme));
      isPlain = false;
      offset += lexeme.length;
    }
  }
  return undefined;
}

const UNPRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const NULL = /^(?:~|null|Null|NULL|)$/;
const BOOLEAN = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const FALSE = /^(?:no|false|off)$/i;
const INTEGER =
  /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][\d_]*)|[-+]?0x[\da-fA-F_]+|[-+]?[1-9][\d_]*(?::[0-5]?\d)+)$/;
const FLOAT =
  /^(?:[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]\d+)?|\.\d[\d_]*(?:[eE][-+]\d+)?|[-+]?\d[\d_]*(?::[0-5]?\d)+\.[\d_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const TIMESTAMP =
  /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/;
