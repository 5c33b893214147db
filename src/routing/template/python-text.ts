/**
 * Values as Python's `str` writes them: what a default or a value of a URL becomes.
 */

/** `5` is `5`, `true` is `True`, null is `None`; text is itself. */
export function pythonText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${quoted(key)}: ${quoted(item)}`)
      .join(', ')}}`;
  }
  // Numbers and BigInts; and objects of the application's own, which have their own text.
  return `${value as number}`;
}

/** As Python's `repr`, which containers use for what they hold. */
function quoted(value: unknown): string {
  if (typeof value !== 'string') return pythonText(value);
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  return `${quote}${value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replaceAll('\n', '\\n')}${quote}`;
}
