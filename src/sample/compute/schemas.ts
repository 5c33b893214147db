/** JSON Schemas that several bodies and queries share. */

/** An object with no members but those declared. */
export const closed = { type: 'object', additionalProperties: false } as const;

/** Any string. */
export const anyText = { type: 'string' } as const;

/** A string of 1 to 255 characters. */
export const text = { type: 'string', minLength: 1, maxLength: 255 } as const;

/** A string without control characters, and without white space at either end. */
export const name = { ...text, pattern: '^(?!\\s)[^\\u0000-\\u001f\\u007f]*(?<!\\s)$' } as const;

/** A string without control characters, or null. */
export const description = {
  anyOf: [{ type: 'string', minLength: 0, maxLength: 255, pattern: '^[^\\u0000-\\u001f\\u007f]*$' }, { type: 'null' }],
} as const;

/** Data for the first boot of a server, in base64. */
export const userData = { type: 'string', format: 'base64', maxLength: 65_535 } as const;

/** A tag of a server, without commas and slashes. */
export const tag = { type: 'string', minLength: 1, maxLength: 60, pattern: '^[^,/]+$' } as const;

/** A whole number or its digits. `Number` reads both. */
export const wholeNumber = {
  type: ['integer', 'string'],
  minimum: 0,
  maximum: 2_147_483_647,
  pattern: '^[0-9]{1,9}$',
} as const;

/** A whole number above zero, or its digits. */
export const positiveNumber = { ...wholeNumber, minimum: 1, pattern: '^0*[1-9][0-9]{0,8}$' } as const;

const YES = ['true', 'True', 'TRUE', '1', 'on', 'On', 'ON', 'yes', 'Yes', 'YES'] as const;
const NO = ['false', 'False', 'FALSE', '0', 'off', 'Off', 'OFF', 'no', 'No', 'NO'] as const;

/** A boolean, or a word for one. {@link isTrue} reads both. */
export const flag = { enum: [true, ...YES, false, ...NO] } as const;

/** Reports whether a value that matches {@link flag} means true. */
export function isTrue(value: unknown): boolean {
  return value === true || (YES as readonly unknown[]).includes(value);
}

/** The pattern of metadata keys. */
export const METADATA_KEY = '^[a-zA-Z0-9\\-_:. ]{1,255}$';

/** Keys with strings as values. */
export const metadata = {
  ...closed,
  patternProperties: { [METADATA_KEY]: { type: ['string'], maxLength: 255 } },
} as const;
