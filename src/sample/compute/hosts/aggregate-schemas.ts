/** The schemas of aggregate requests. */
import { closed, METADATA_KEY, name, text } from '../schemas.js';

const availability_zone = { anyOf: [{ ...text, pattern: '^[^:]+$' }, { type: 'null' }] } as const;

export const creation = {
  ...closed,
  required: ['aggregate'],
  properties: { aggregate: { ...closed, required: ['name'], properties: { name, availability_zone } } },
} as const;

export const update = {
  ...closed,
  required: ['aggregate'],
  properties: { aggregate: { ...closed, required: [], properties: { name, availability_zone }, minProperties: 1 } },
} as const;

const host = { ...closed, required: ['host'], properties: { host: text } } as const;

export const addingHost = { ...closed, required: ['add_host'], properties: { add_host: host } } as const;

export const removingHost = { ...closed, required: ['remove_host'], properties: { remove_host: host } } as const;

/** Null removes a key. */
const metadata = {
  ...closed,
  patternProperties: { [METADATA_KEY]: { type: ['string', 'null'], maxLength: 255 } },
} as const;

export const changingMetadata = {
  ...closed,
  required: ['set_metadata'],
  properties: { set_metadata: { ...closed, required: ['metadata'], properties: { metadata } } },
} as const;
