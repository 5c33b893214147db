/** The schemas of server requests. */
import { anyText, closed, description, flag, metadata, name, positiveNumber, tag, userData } from '../schemas.js';

const addresses = {
  accessIPv4: { type: 'string', format: 'ipv4' },
  accessIPv6: { type: 'string', format: 'ipv6' },
} as const;

const networkList = { type: 'array', items: { type: 'object' } } as const;
const noNetworks = { enum: ['none', 'auto'] } as const;

const members = {
  flavorRef: { type: ['string', 'integer'], minLength: 1 },
  name,
  key_name: name,
  availability_zone: name,
  imageRef: anyText,
  adminPass: anyText,
  min_count: positiveNumber,
  max_count: positiveNumber,
  return_reservation_id: flag,
  config_drive: flag,
  metadata,
  user_data: userData,
  ...addresses,
  'OS-DCF:diskConfig': { enum: ['AUTO', 'MANUAL'] },
  security_groups: { type: 'array', items: closed({ name }, 'name') },
} as const;

const server = { ...members, networks: networkList } as const;
/** From 2.37 on, `networks` is required: a list, `none` or `auto`. */
const networked = { ...members, description, networks: { anyOf: [networkList, noNetworks] } } as const;
const tagged = { ...networked, tags: { type: 'array', items: tag, maxItems: 50 } } as const;

const hints = { type: 'object', properties: { group: { type: 'string', format: 'uuid' } } } as const;

function newServer<const S extends object>(server: S) {
  return closed({ server, 'os:scheduler_hints': hints }, 'server');
}

/** The body of a creation, by version. */
export const creation = {
  '2.1': newServer(closed(server, 'flavorRef', 'name')),
  '2.19': newServer(closed({ ...server, description }, 'flavorRef', 'name')),
  '2.37': newServer(closed(networked, 'flavorRef', 'name', 'networks')),
  '2.52': newServer(closed(tagged, 'flavorRef', 'name', 'networks')),
} as const;

const changes = { name, ...addresses } as const;

/** The body of a change, by version. */
export const change = {
  '2.1': closed({ server: closed(changes) }, 'server'),
  '2.19': closed({ server: closed({ ...changes, description }) }, 'server'),
} as const;

const rebuild = { imageRef: anyText, name, metadata, adminPass: anyText } as const;
const describedRebuild = { ...rebuild, description } as const;
const rebuildWithKey = { ...describedRebuild, key_name: { anyOf: [name, { type: 'null' }] } } as const;
const rebuildWithUserData = { ...rebuildWithKey, user_data: { anyOf: [userData, { type: 'null' }] } } as const;

/** The body of a rebuild, by version. */
export const rebuilding = {
  '2.1': closed({ rebuild: closed(rebuild, 'imageRef') }, 'rebuild'),
  '2.19': closed({ rebuild: closed(describedRebuild, 'imageRef') }, 'rebuild'),
  '2.54': closed({ rebuild: closed(rebuildWithKey, 'imageRef') }, 'rebuild'),
  '2.57': closed({ rebuild: closed(rebuildWithUserData, 'imageRef') }, 'rebuild'),
} as const;
