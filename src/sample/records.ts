/** What the cloud stores, as JSON. Times are milliseconds since 1970; snake case is as the API shows it. */
type Texts<Names extends string> = Record<Names, string>;

export type Flavor = Record<'ram' | 'vcpus' | 'disk' | 'swap' | 'rxtx_factor' | 'OS-FLV-EXT-DATA:ephemeral', number> &
  Texts<'id' | 'name'> & { description: string | null; 'os-flavor-access:is_public': boolean } & {
    extra_specs: Record<string, string | number>;
  };

export type Image = Texts<'id' | 'name'> & { 'OS-EXT-IMG-SIZE:size': number; createdAt: number };

/** Belongs to a user. The private half of a generated pair is given away once and never stored. */
export type KeyPair = Texts<'name' | 'user_id' | 'type' | 'public_key' | 'fingerprint'> & { createdAt: number };

export type Group = Texts<'id' | 'name' | 'project_id' | 'user_id' | 'policy'> & { rules: Record<string, number> };

export type Service = Texts<'id' | 'binary' | 'host' | 'zone'> & { disabled_reason: string | null } & Record<
    'disabled' | 'forced_down',
    boolean
  >;

export type Aggregate = Texts<'uuid' | 'name'> & { hosts: string[]; metadata: Record<string, string> } & {
  createdAt: number;
  updatedAt: number | null;
};

/** What a server is between two transitions; nova's `vm_state`. */
export type VmState = 'building' | 'active' | 'stopped' | 'paused' | 'suspended' | 'error';

/** A transition under way. It is over at `endsAt`, without anybody having to do anything about it then. */
export type Task = { state: string; startedAt: number; endsAt: number; to: VmState | 'deleted' };

/** Flavor and key are as they were when the server was made, user data is base64. No host: none could be found. */
export type Server = Texts<'id' | 'name' | 'project_id' | 'user_id' | 'image_id' | 'zone' | 'reservation_id'> &
  Texts<'accessIPv4' | 'accessIPv6' | 'config_drive'> & { metadata: Record<string, string>; tags: string[] } & Record<
    'description' | 'user_data' | 'host' | 'group_id' | 'locked_reason' | 'fault',
    string | null
  > & { flavor: Flavor; key: KeyPair | null; launch_index: number; vm_state: VmState; task: Task | null } & {
    locked_by: 'owner' | 'admin' | null;
  } & { createdAt: number; updatedAt: number; launchedAt: number | null };

/** One thing that was done to a server, and in which request. */
export type Action = Texts<'action' | 'instance_uuid' | 'request_id' | 'user_id' | 'project_id'> & {
  startedAt: number;
};

/** The kinds of records by their names in the store. */
export type Kinds = { flavors: Flavor; images: Image; keyPairs: KeyPair; groups: Group } & {
  services: Service;
  aggregates: Aggregate;
  servers: Server;
  actions: Action;
};
