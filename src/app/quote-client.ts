/**
 * Input of a client, for messages: short, and without control characters.
 */
import { escapedText } from '../text/index.js';

/** At most 200 characters, what is no printable text escaped. */
export function quoteClient(text: string): string {
  return escapedText(text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
}

const LONGEST = 200;
