/** What the cloud stores, as JSON. Snake case is as the API shows it; times in camel case are milliseconds. */
type Texts<Names extends string> = Record<Names, string>;
type Numbers<Names extends string> = Record<Names, number>;

export type Flavor = Texts<'id' | 'name'> &
  Numbers<'ram' | 'vcpus' | 'disk' | 'swap' | 'rxtx_factor' | 'OS-FLV-EXT-DATA:ephemeral'> & {
    description: string | null;
    'os-flavor-access:is_public': boolean;
    extra_specs: Record<string, string | number>;
  };

export type Image = Texts<'id' | 'name' | 'created'> & Numbers<'OS-EXT-IMG-SIZE:size'>;

/** Belongs to a user. The private half of a generated pair is given away once and never stored. */
export type KeyPair = Texts<'name' | 'user_id' | 'type' | 'public_key' | 'fingerprint' | 'created_at'>;

export type Group = Texts<'id' | 'name' | 'project_id' | 'user_id' | 'policy'> & { rules: object };

export type Service = Texts<'id' | 'binary' | 'host' | 'zone'> & { disabled_reason: string | null } & {
  [K in 'disabled' | 'forced_down']: boolean;
};

export type Aggregate = Texts<'uuid' | 'name' | 'created_at'> & {
  updated_at: string | null;
  hosts: string[];
  metadata: Record<string, string>;
};

/** What a server is between two transitions; nova's `vm_state`. */
export type VmState = 'building' | 'active' | 'stopped' | 'paused' | 'suspended' | 'error';

/** A transition under way. It is over at `endsAt`, without anybody having to do anything about it then. */
export type Task = { state: string; startedAt: number; endsAt: number; to: VmState | 'deleted' };

export interface Server
  extends Texts<'id' | 'name' | 'project_id' | 'user_id' | 'image_id' | 'zone' | 'reservation_id'>,
    Texts<'accessIPv4' | 'accessIPv6' | 'config_drive' | 'seed'>,
    Numbers<'launch_index' | 'createdAt' | 'updatedAt'>,
    Record<'description' | 'group_id' | 'locked_reason' | 'fault', string | null> {
  metadata: Record<string, string>;
  tags: string[];
  /** Flavor and key are as they were when the server was made: both may be gone since. */
  flavor: Flavor;
  key: KeyPair | null;
  /** Base64, as it was given. */
  user_data: string | null;
  /** Null: none could be found. */
  host: string | null;
  vm_state: VmState;
  task: Task | null;
  locked_by: 'owner' | 'admin' | null;
  launchedAt: number | null;
}

/** One thing that was done to a server, and in which request. */
export type Action = Texts<'action' | 'instance_uuid' | 'request_id' | 'user_id' | 'project_id' | 'start_time'>;
