/** Texts that several resources take. */
import { type JsonSchema, orNull, text } from 'portico/routing';

/** Printable, and no space at either end. */
export const name = text({ pattern: '^(?!\\s)[^\\u0000-\\u001f\\u007f]*(?<!\\s)$' });

export const description = orNull(text({ minLength: 0, pattern: '^[^\\u0000-\\u001f\\u007f]*$' }));

/** One of a server's. */
export const tag = text({ maxLength: 60, pattern: '^[^,/]+$' });

/** Bytes for the first boot, in base64. */
export const userData: JsonSchema = { type: 'string', format: 'base64', maxLength: 65_535 };
