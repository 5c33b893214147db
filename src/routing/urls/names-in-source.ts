/**
 * Names of routes that an action gives to `request.url`, as far as its source shows them: misspelt ones are found before a request.
 */

/** The first parameter of an arrow function, or of a function or method. */
const PARAMETER = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>|^[^({]*\(\s*([A-Za-z_$][\w$]*)\s*[,)=]/;

/** A comment, or a call with a text. */
const CALL = /\/\/.*|\/\*[\s\S]*?\*\/|(?<![\w$.])([A-Za-z_$][\w$]*)\.url\(\s*(['"`])([^'"`$/\\][^'"`$\\]*)\2/g;

/** Returns the names in texts; none for a function whose request has no name. */
export function urlNamesIn(handler: object): readonly string[] {
  const source = Function.prototype.toString.call(handler);
  if (!source.includes('.url(')) return [];
  const [, alone, first = alone] = PARAMETER.exec(source) ?? [];
  if (first === undefined) return [];
  const calls = source.matchAll(CALL);
  return [...calls].filter(([, object]) => object === first).map(([, , , name]) => name!);
}
