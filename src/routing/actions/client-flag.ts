/**
 * Booleans that clients send in a query.
 */
import { Fault, quoteClient } from '../../app/index.js';

/** As oslo's `bool_from_string` reads them, strictly. */
const [YES, NO] = [/^\s*(?:1|t|true|on|y|yes)\s*$/i, /^\s*(?:0|f|false|off|n|no)\s*$/i];

/** What a client's parameter says: `true`, `1`, `on`, `yes`, `no` and so on, in any case. Throws a `Fault` 400 for anything else. */
export function clientFlag(text: string, { name = 'flag' }: { readonly name?: string } = {}): boolean {
  if (YES.test(text)) return true;
  if (NO.test(text)) return false;
  throw new Fault(400, { message: `Invalid ${name} filter [${quoteClient(text)}]` });
}
