/**
 * Input of a client, for messages: short, and without control characters.
 */

/** At most 200 characters, control characters escaped. */
export function quoteClient(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return short.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, escapeCharacter);
}

const LONGEST = 200;

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
