/**
 * Content types as nova's URL map negotiates them: not RFC 9110's rules, but those its clients were written against.
 */

/** A content type or mask with its parameters. */
export interface MediaType {
  readonly type: string;
  readonly params: ReadonlyMap<string, string | undefined>;
}

/** What an Accept header prefers among supported types. */
export interface BestMatch {
  readonly type: string | undefined;
  readonly params: ReadonlyMap<string, string | undefined>;
}

const PARAMETER = /;\s*([^\s;=]+|"[^"\\]*(?:\\.[^"\\]*)*")\s*(?:=\s*([^;]+|"[^"\\]*(?:\\.[^"\\]*)*"))?\s*/g;

/** `text/html; charset="utf-8"` taken apart; quotes are removed, not interpreted. */
export function parseMediaType(value: string): MediaType {
  if (value === '') return { type: '', params: new Map() };
  const [first, ...rest] = [...`;${value}`.matchAll(PARAMETER)];
  const params = rest.map(
    ([, name = '', text]) => [unquoted(name), text === undefined ? text : unquoted(text)] as const,
  );
  return { type: unquoted(first?.[1] ?? ''), params: new Map(params) };
}

/** The entries of an Accept header: split at commas outside of quotes. */
export function parseAccept(header: string): MediaType[] {
  return listItems(header).map((item) => {
    const whole = item.length > 0 && item.startsWith('"') && item.endsWith('"');
    return parseMediaType(whole ? unquoted(item.slice(1, -1)) : item);
  });
}

/**
 * The supported type with the highest `q`; at equal `q` the mask with fewer `*` wins, else the first found. Types are
 * compared exactly, letter case included; an entry whose `q` is no number is skipped.
 */
export function bestMatch(accepted: readonly MediaType[], supported: readonly string[]): BestMatch {
  let best: BestMatch = { type: undefined, params: new Map() };
  let bestQuality = -1;
  let bestStars = 2;
  for (const type of supported) {
    for (const entry of accepted) {
      if (!masks(entry.type, type)) continue;
      const quality = entry.params.has('q') ? numberOf(entry.params.get('q')) : 1;
      if (quality === undefined || quality < bestQuality) continue;
      const stars = entry.type.split('*').length - 1;
      if (quality === bestQuality && bestStars <= stars) continue;
      best = { type, params: entry.params };
      bestQuality = quality;
      bestStars = stars;
    }
  }
  return best;
}

function masks(mask: string, type: string): boolean {
  if (!mask.includes('*')) return type === mask;
  return mask === '*/*' || type.split('/', 1)[0] === mask.slice(0, -2);
}

const DIGITS = String.raw`\d+(?:_\d+)*`;
/** Each digit can be read in one way only: with `.?` between two runs of digits the time was the square of a length. */
const FLOAT = new RegExp(String.raw`^[+-]?(?:${DIGITS}(?:\.(?:${DIGITS})?)?|\.${DIGITS})(?:e[+-]?${DIGITS})?$`);

/** A number as Python's `float` reads it. */
function numberOf(text: string | undefined): number | undefined {
  const plain = (text ?? '').trim().toLowerCase();
  const special = /^([+-]?)(?:(inf(?:inity)?)|(nan))$/.exec(plain);
  if (special !== null) return special[3] === undefined ? Number(`${special[1]}Infinity`) : Number.NaN;
  return FLOAT.test(plain) ? Number(plain.replaceAll('_', '')) : undefined;
}

function unquoted(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

function listItems(header: string): string[] {
  const items: string[] = [];
  let item = '';
  let quoted = false;
  for (let at = 0; at < header.length; at++) {
    const char = header[at]!;
    if (quoted && char === '\\') {
      item += header[++at] ?? '';
      continue;
    }
    if (char === '"') quoted = !quoted;
    if (char === ',' && !quoted) {
      items.push(item.trim());
      item = '';
    } else {
      item += char;
    }
  }
  if (item !== '') items.push(item.trim());
  return items;
}
