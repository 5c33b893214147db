/** What a new cloud holds. Ids are fixed, so that programs may name them. */
import { isoSeconds } from 'portico/openstack';

/** The one host of the sample, and what it has. */
export const HOST = {
  uuid: '1d9f0c52-6a3e-4f17-9b8c-2e5a7d40c001',
  name: 'host1',
  zone: 'nova',
  vcpus: 64,
  memory_mb: 262_144,
  local_gb: 4096,
} as const;

/** The members of a flavor that may be left out when it is made. */
const PLAIN_FLAVOR = {
  swap: 0,
  rxtx_factor: 1,
  'OS-FLV-EXT-DATA:ephemeral': 0,
  'os-flavor-access:is_public': true,
  description: null,
  extra_specs: {},
} as const;

const FLAVORS = [
  { id: '1', name: 'm1.tiny', ram: 512, vcpus: 1, disk: 1 },
  { id: '2', name: 'm1.small', ram: 2048, vcpus: 1, disk: 20 },
  { id: '3', name: 'm1.medium', ram: 4096, vcpus: 2, disk: 40 },
] as const;

const IMAGES = [
  { id: '3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01', name: 'cirros', 'OS-EXT-IMG-SIZE:size': 21_430_272 },
  { id: '8c0d94aa-1e6f-4b5d-a3c8-52e7f96b3d02', name: 'debian', 'OS-EXT-IMG-SIZE:size': 341_835_776 },
] as const;

const SERVICES = [
  { id: '5b1f0f4e-7c55-4c38-8b1f-9a2f6d1c0e11', binary: 'nova-conductor', zone: 'internal' },
  { id: 'a3d7c2b8-0f64-4e1a-9d53-4c8be27f6022', binary: 'nova-scheduler', zone: 'internal' },
  { id: 'e9640d1c-52ab-4f7e-8c06-1b7d93a5f033', binary: 'nova-compute', zone: HOST.zone },
] as const;

/** The records of a new cloud, by table. */
export function firstRecords(now: number) {
  const up = { host: HOST.name, disabled: false, disabled_reason: null, forced_down: false };
  return {
    flavors: FLAVORS.map((flavor) => ({ ...PLAIN_FLAVOR, ...flavor })),
    images: IMAGES.map((image) => ({ ...image, created: isoSeconds(now) })),
    services: SERVICES.map((service) => ({ ...service, ...up })),
  };
}
