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
  security_groups: {
    type: 'array',
    items: { ...closed, required: ['name'], properties: { name } },
  },
} as const;

const server = {
  ...closed,
  required: ['flavorRef', 'name'],
  properties: { ...members, networks: networkList },
} as const;
const described = { ...server, properties: { ...server.properties, description } } as const;
/** From 2.37 on, `networks` is required: a list, `none` or `auto`. */
const networked = {
  ...server,
  required: ['flavorRef', 'name', 'networks'],
  properties: { ...members, description, networks: { anyOf: [networkList, noNetworks] } },
} as const;
const tagged = {
  ...networked,
  properties: { ...networked.properties, tags: { type: 'array', items: tag, maxItems: 50 } },
} as const;

const hints = { type: 'object', properties: { group: { type: 'string', format: 'uuid' } } } as const;
const newServer = { ...closed, required: ['server'] } as const;

/** The body of a creation, by version. */
export const creation = {
  '2.1': { ...newServer, properties: { server, 'os:scheduler_hints': hints } },
  '2.19': { ...newServer, properties: { server: described, 'os:scheduler_hints': hints } },
  '2.37': { ...newServer, properties: { server: networked, 'os:scheduler_hints': hints } },
  '2.52': { ...newServer, properties: { server: tagged, 'os:scheduler_hints': hints } },
} as const;

const changes = { ...closed, required: [], properties: { name, ...addresses } } as const;
const describedChanges = { ...changes, properties: { ...changes.properties, description } } as const;

/** The body of a change, by version. */
export const change = {
  '2.1': { ...newServer, properties: { server: changes } },
  '2.19': { ...newServer, properties: { server: describedChanges } },
} as const;

const rebuild = {
  ...closed,
  required: ['imageRef'],
  properties: { imageRef: anyText, name, metadata, adminPass: anyText },
} as const;
const describedRebuild = { ...rebuild, properties: { ...rebuild.properties, description } } as const;
const rebuildWithKey = {
  ...rebuild,
  properties: { ...describedRebuild.properties, key_name: { anyOf: [name, { type: 'null' }] } },
} as const;
const rebuildWithUserData = {
  ...rebuild,
  properties: { ...rebuildWithKey.properties, user_data: { anyOf: [userData, { type: 'null' }] } },
} as const;
const newRebuild = { ...closed, required: ['rebuild'] } as const;

/** The body of a rebuild, by version. */
export const rebuilding = {
  '2.1': { ...newRebuild, properties: { rebuild } },
  '2.19': { ...newRebuild, properties: { rebuild: describedRebuild } },
  '2.54': { ...newRebuild, properties: { rebuild: rebuildWithKey } },
  '2.57': { ...newRebuild, properties: { rebuild: rebuildWithUserData } },
} as const;
