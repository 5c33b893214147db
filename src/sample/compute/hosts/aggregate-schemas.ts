/** The schemas of aggregate requests. */
import { closed, metadataOf, name, text } from '../schemas.js';

const members = { name, availability_zone: { anyOf: [{ ...text, pattern: '^[^:]+$' }, { type: 'null' }] } } as const;

export const creation = closed({ aggregate: closed(members, 'name') }, 'aggregate');

export const update = closed({ aggregate: { ...closed(members), minProperties: 1 } }, 'aggregate');

const host = closed({ host: text }, 'host');

export const addingHost = closed({ add_host: host }, 'add_host');

export const removingHost = closed({ remove_host: host }, 'remove_host');

/** Null removes a key. */
const metadata = metadataOf('string', 'null');

export const changingMetadata = closed({ set_metadata: closed({ metadata }, 'metadata') }, 'set_metadata');
