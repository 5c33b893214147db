/** The records of the store, as JSON. Members in snake case are as the API shows them; times in camel case are milliseconds since 1970. */
import type { Quotas } from './compute/schemas.js';

export interface Flavor {
  id: string;
  name: string;
  /** MiB. */
  ram: number;
  vcpus: number;
  /** GiB. */
  disk: number;
  /** MiB. */
  swap: number;
  rxtx_factor: number;
  'OS-FLV-EXT-DATA:ephemeral': number;
  'os-flavor-access:is_public': boolean;
  description: string | null;
  extra_specs: Record<string, string | number>;
}

/** A project that may use a private flavor. */
export interface FlavorAccess {
  flavor_id: string;
  tenant_id: string;
}

/** Quotas that an operator has set for a project, or for a class of projects. */
export interface QuotaRecord {
  limits: Partial<Quotas>;
}

export interface Image {
  id: string;
  name: string;
  created: string;
  'OS-EXT-IMG-SIZE:size': number;
}

/** A key pair of a user. The private key of a generated pair is returned once and never stored. */
export interface KeyPair {
  name: string;
  user_id: string;
  type: string;
  public_key: string;
  fingerprint: string;
  created_at: string;
}

export interface Group {
  id: string;
  name: string;
  project_id: string;
  user_id: string;
  policy: string;
  rules: object;
}

export interface Service {
  id: string;
  binary: string;
  host: string;
  zone: string;
  disabled: boolean;
  disabled_reason: string | null;
  forced_down: boolean;
}

export interface Aggregate {
  uuid: string;
  name: string;
  hosts: string[];
  metadata: Record<string, string>;
  created_at: string;
  updated_at: string | null;
}

/** The state of a server between two transitions; nova's `vm_state`. */
export type VmState = 'building' | 'active' | 'stopped' | 'paused' | 'suspended' | 'error';

/** A transition in progress. It is over at `endsAt`, without a timer or a request; if that is null, when the server's host reports it. */
export interface Task {
  state: string;
  startedAt: number;
  endsAt: number | null;
  /** Whether the host has begun to perform it. */
  isBegun: boolean;
  to: VmState | 'deleted';
}

/** Identifies a task of a server by the time at which it started. */
export type TaskOfServer = { readonly server: string; readonly startedAt: number };

export interface Server {
  id: string;
  name: string;
  description: string | null;
  project_id: string;
  user_id: string;
  image_id: string;
  group_id: string | null;
  /** Copies of the flavor and the key pair, because the originals may be deleted. */
  flavor: Flavor;
  key: KeyPair | null;
  zone: string;
  /** Null: no host was found, or the one found could not be reached at creation. */
  host: string | null;
  /** The reason for the state `error`. */
  fault: string | null;
  vm_state: VmState;
  task: Task | null;
  metadata: Record<string, string>;
  tags: string[];
  /** Base64, as the client sent it. */
  user_data: string | null;
  accessIPv4: string;
  accessIPv6: string;
  config_drive: string;
  reservation_id: string;
  launch_index: number;
  /** The seed of the random bytes in the server's metadata. */
  seed: string;
  locked_by: 'owner' | 'admin' | null;
  locked_reason: string | null;
  createdAt: number;
  updatedAt: number;
  launchedAt: number | null;
}

/** An action on a server, and the request for it. */
export interface Action {
  action: string;
  instance_uuid: string;
  request_id: string;
  user_id: string;
  project_id: string;
  start_time: string;
}
