/** Records of the cloud, as JSON. Snake case is as the API shows it; times in camel case are milliseconds. */

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

/** A project that may use a flavor which is not public. */
export interface FlavorAccess {
  flavor_id: string;
  tenant_id: string;
}

/** How much a project may have, by nova's names; -1: no limit. */
export interface Quotas {
  instances: number;
  cores: number;
  /** MiB. */
  ram: number;
  metadata_items: number;
  key_pairs: number;
  server_groups: number;
  server_group_members: number;
  injected_files: number;
  injected_file_content_bytes: number;
  injected_file_path_bytes: number;
  fixed_ips: number;
  floating_ips: number;
  security_groups: number;
  security_group_rules: number;
}

/** An operator's quotas for a project, or for a class of projects. */
export interface QuotaRecord {
  limits: Partial<Quotas>;
}

export interface Image {
  id: string;
  name: string;
  created: string;
  'OS-EXT-IMG-SIZE:size': number;
}

/** Belongs to a user. The private half of a generated pair is given away once and never stored. */
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

/** State of a server between two transitions; nova's `vm_state`. */
export type VmState = 'building' | 'active' | 'stopped' | 'paused' | 'suspended' | 'error';

/** A transition under way. It is over at `endsAt`: no timer or request has to end it. Null: the server's host says when. */
export interface Task {
  state: string;
  startedAt: number;
  endsAt: number | null;
  /** The host has said that it does it. */
  isBegun: boolean;
  to: VmState | 'deleted';
}

/** Names a task of a server: which one it is, is said by its beginning. */
export type TaskOfServer = { readonly server: string; readonly startedAt: number };

export interface Server {
  id: string;
  name: string;
  description: string | null;
  project_id: string;
  user_id: string;
  image_id: string;
  group_id: string | null;
  /** Flavor and key are as they were when the server was made: both may be gone since. */
  flavor: Flavor;
  key: KeyPair | null;
  zone: string;
  /** Null: none could be found. */
  host: string | null;
  /** Why it is in the state `error`. */
  fault: string | null;
  vm_state: VmState;
  task: Task | null;
  metadata: Record<string, string>;
  tags: string[];
  /** Base64, as it was given. */
  user_data: string | null;
  accessIPv4: string;
  accessIPv6: string;
  config_drive: string;
  reservation_id: string;
  launch_index: number;
  /** Seed of the random bytes in its metadata. */
  seed: string;
  locked_by: 'owner' | 'admin' | null;
  locked_reason: string | null;
  createdAt: number;
  updatedAt: number;
  launchedAt: number | null;
}

/** One thing that was done to a server, and in which request. */
export interface Action {
  action: string;
  instance_uuid: string;
  request_id: string;
  user_id: string;
  project_id: string;
  start_time: string;
}
