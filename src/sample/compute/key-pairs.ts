/** SSH keys. They belong to a user; administrators may name another one from 2.10 on. */
import { isoMicros } from 'portico/openstack';
import { anyText, members, object, objectSince, text, view } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { KeyPair } from '../records.js';
import { allow, type Call, declared, page, reads, refuse, writes } from './call.js';
import { fingerprintOf, generatedKey } from './ssh-keys.js';

const listedView = view<KeyPair>('name public_key fingerprint \n 2.2+ type');
const createdView = view<KeyPair>('name public_key fingerprint user_id \n 2.2+ type');
const keyPairView = view<Stored<KeyPair>>(
  `name public_key fingerprint user_id created_at updated_at=null deleted=false deleted_at=null id=seq
   2.2+ type`,
);

/** The key under which a user's pair is stored. */
export const keyOf = (userId: string, name: string): string => `${name}\n${userId}`;

/** Whose pairs are meant; 403 for those of others, except for administrators. */
function userOf(call: Call, verb: string, named = call.queryValue('user_id')): string {
  if (named === undefined || !call.apiVersion.atLeast('2.10')) return call.who.userId;
  if (named !== call.who.userId) allow(call, `os-keypairs:${verb}`);
  return named;
}

function pairOf(call: Call, verb: string): Stored<KeyPair> {
  const [name, user] = [call.params.id!, userOf(call, verb)];
  return call.cloud.keyPairs.get(keyOf(user, name)) ?? refuse(404, `Keypair ${name} not found for user ${user}`);
}

const ofUser = { query: { '2.10': members('user_id') } };
const paged = { query: { '2.10': members('user_id'), '2.35': members('limit marker') } };
const body = objectSince(
  {
    '2.1': { name: text({ pattern: '^(?! )[a-zA-Z0-9 _\\-]+(?<! )$' }), 'public_key?': anyText },
    '2.2': { 'type?': { enum: ['ssh'] } },
    '2.10': { 'user_id?': anyText },
  },
  (keypair) => object({ keypair }),
);
type NewKeyPair = { keypair: { name: string; public_key?: string; user_id?: string } };

export class KeyPairs {
  readonly index = reads(paged, (call) => {
    const all = call.cloud.keyPairs.list(userOf(call, 'index')).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const show = (pair: KeyPair) => ({ keypair: listedView(pair, call) });
    return call.apiVersion.atLeast('2.35') ? page(call, 'keypairs', all, show, 'name') : { keypairs: all.map(show) };
  });
  readonly show = reads(ofUser, (call) => ({ keypair: keyPairView(pairOf(call, 'show'), call) }));
  readonly create = declared<NewKeyPair>({ status: { '2.1': 200, '2.2': 201 }, body }, async (call) => {
    // A key takes its time, so it is made before the transaction, and for nobody who may not keep it.
    call.cloud.read(() => ownerWithRoom(call));
    const made = call.body.keypair.public_key === undefined ? await generatedKey() : undefined;
    return call.cloud.write(() => create(call, made));
  });
  readonly delete = writes({ ...ofUser, status: { '2.1': 202, '2.2': 204 } }, (call) => {
    const { user_id, name } = pairOf(call, 'delete');
    call.cloud.keyPairs.delete(keyOf(user_id, name));
  });
}

/** Whose pair it will be. 409 where there is one of that name, 403 where there are too many. */
function ownerWithRoom(call: Call<NewKeyPair>): string {
  const [{ keyPairs }, { name, user_id: named }] = [call.cloud, call.body.keypair];
  const user_id = userOf(call, 'create', named ?? call.who.userId);
  if (keyPairs.get(keyOf(user_id, name))) refuse(409, `Key pair '${name}' already exists.`);
  if (keyPairs.list(user_id).length >= call.settings.quotaKeyPairs) refuse(403, 'Quota exceeded, too many key pairs.');
  return user_id;
}

function create(call: Call<NewKeyPair>, made: { public_key: string; private_key: string } | undefined): object {
  const { name, public_key = made?.public_key ?? '' } = call.body.keypair;
  const fingerprint =
    fingerprintOf(public_key) ?? refuse(400, 'Keypair data is invalid: failed to generate fingerprint');
  const user_id = ownerWithRoom(call);
  const pair = { name, user_id, type: 'ssh', public_key, fingerprint, created_at: isoMicros(call.now) };
  return {
    keypair: { ...createdView(call.cloud.keyPairs.insert(keyOf(user_id, name), pair, user_id), call), ...made },
  };
}
