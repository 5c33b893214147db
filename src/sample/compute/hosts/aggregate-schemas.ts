/** What clients send about aggregates. */
import { METADATA_KEY, name, text } from '../schemas.js';

const availability_zone = { anyOf: [{ ...text, pattern: '^[^:]+$' }, { type: 'null' }] } as const;

export const creation = {
  type: 'object',
  required: ['aggregate'],
  properties: {
    aggregate: {
      type: 'object',
      required: ['name'],
      properties: { name, availability_zone },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
} as const;

export const update = {
  type: 'object',
  required: ['aggregate'],
  properties: {
    aggregate: {
      type: 'object',
      required: [],
      properties: { name, availability_zone },
      additionalProperties: false,
      minProperties: 1,
    },
  },
  additionalProperties: false,
} as const;

const host = { type: 'object', required: ['host'], properties: { host: text }, additionalProperties: false } as const;

export const addingHost = {
  type: 'object',
  required: ['add_host'],
  properties: { add_host: host },
  additionalProperties: false,
} as const;

export const removingHost = {
  type: 'object',
  required: ['remove_host'],
  properties: { remove_host: host },
  additionalProperties: false,
} as const;

/** Null removes a key. */
const metadata = {
  type: 'object',
  patternProperties: { [METADATA_KEY]: { type: ['string', 'null'], maxLength: 255 } },
  additionalProperties: false,
} as const;

export const changingMetadata = {
  type: 'object',
  required: ['set_metadata'],
  properties: {
    set_metadata: {
      type: 'object',
      required: ['metadata'],
      properties: { metadata },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
} as const;
