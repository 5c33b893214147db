/**
 * Values as Python writes them: rules compare the texts of values, `True`, `None`, `1e-07`, `{'a': 1}`.
 */

/** Returns `str(value)` of a JSON value. */
export function pythonText(value: unknown): string {
  return typeof value === 'string' ? value : pythonRepr(value);
}

/** Reports whether a JSON value is true in Python, where empty lists and objects are not. */
export function isTruthy(value: unknown): boolean {
  return Boolean(value) && (typeof value !== 'object' || Object.keys(value as object).length > 0);
}

/** Returns `repr(value)` of a JSON value. */
function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value + 0) : floatText(value);
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (typeof value !== 'object') return String(value as bigint | symbol);
  const members = Object.entries(value).map(([name, each]) => `${quoted(name)}: ${pythonRepr(each)}`);
  return `{${members.join(', ')}}`;
}

/** Returns the text of a float: the shortest digits, as in JavaScript, with an exponent below -4 and from 16 on. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const [digits, power] = value.toExponential().split('e') as [string, string];
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 16) {
    const plain = value.toFixed(Math.max(0, digits.replace(/\D/g, '').length - 1 - exponent));
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  return `${digits}e${exponentText(exponent)}`;
}

/** Returns the exponent of a float, with a sign and at least two digits. */
function exponentText(exponent: number): string {
  return `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Returns a text in quotes, which are double only around text with single ones and no double ones. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\p{C}\p{Z}]|['"]/gu, (character) => {
    if (character === ' ') return character;
    if (character === "'" || character === '"') return character === quote ? `\\${character}` : character;
    return NAMED_ESCAPES[character] ?? codeEscape(character.codePointAt(0)!);
  });
  return `${quote}${escaped}${quote}`;
}

/** Returns the escape of a code point: `\x85`, `\u2028`, `\U0001f600`. */
function codeEscape(code: number): string {
  const digits = code.toString(16);
  if (code < 0x100) return `\\x${digits.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}
