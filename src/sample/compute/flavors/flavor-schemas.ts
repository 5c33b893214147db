/** What clients send about flavors. */
import type { Stored } from 'portico/sqlite';
import type { Flavor } from '../../records.js';
import { anyText, description, flag, name, positiveNumber, text, wholeNumber } from '../schemas.js';
import type { SortKeys } from '../sorting.js';

/** What lists are sorted by, in nova's names. */
export const SORT_KEYS: SortKeys<Stored<Flavor>> = {
  flavorid: ({ id }) => id,
  name: ({ name }) => name,
  memory_mb: ({ ram }) => ram,
  root_gb: ({ disk }) => disk,
  vcpus: ({ vcpus }) => vcpus,
  swap: ({ swap }) => swap,
  ephemeral_gb: (flavor) => flavor['OS-FLV-EXT-DATA:ephemeral'],
  rxtx_factor: ({ rxtx_factor }) => rxtx_factor,
  description: ({ description }) => description,
  id: ({ seq }) => seq,
  created_at: ({ seq }) => seq,
};

export const listQuery = {
  type: 'object',
  properties: {
    limit: anyText,
    marker: anyText,
    is_public: anyText,
    minRam: anyText,
    minDisk: anyText,
    sort_key: { ...text, enum: Object.keys(SORT_KEYS) },
    sort_dir: { ...text, enum: ['asc', 'desc'] },
  },
} as const;

const flavor = {
  type: 'object',
  required: ['name', 'ram', 'vcpus', 'disk'],
  properties: {
    name,
    id: { ...text, type: ['string', 'number', 'null'], pattern: '^(?! )[a-zA-Z0-9. _\\-]+(?<! )$' },
    ram: positiveNumber,
    vcpus: positiveNumber,
    disk: wholeNumber,
    swap: wholeNumber,
    'OS-FLV-EXT-DATA:ephemeral': wholeNumber,
    rxtx_factor: {
      type: ['number', 'string'],
      pattern: '^[0-9]+(\\.[0-9]+)?$',
      exclusiveMinimum: 0,
      maximum: 3.4e38,
    },
    'os-flavor-access:is_public': flag,
  },
  additionalProperties: false,
} as const;

export const newFlavor = {
  type: 'object',
  required: ['flavor'],
  properties: { flavor },
  additionalProperties: false,
} as const;

export const newFlavorWithDescription = {
  ...newFlavor,
  properties: { flavor: { ...flavor, properties: { ...flavor.properties, description } } },
} as const;

export const flavorChange = {
  type: 'object',
  required: ['flavor'],
  properties: {
    flavor: { type: 'object', required: ['description'], properties: { description }, additionalProperties: false },
  },
  additionalProperties: false,
} as const;
