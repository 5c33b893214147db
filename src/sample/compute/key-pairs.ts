/** SSH keys. They belong to a user; administrators may name another one from 2.10 on. */
import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Stored } from '../cloud.js';
import { microTime } from '../names.js';
import type { KeyPair } from '../records.js';
import { allow, type Call, declared, reads, refuse, writes } from './call.js';
import { type View, view } from './fields.js';
import { page } from './pages.js';
import { anyText, each, object, text } from './parameters.js';

const listedView = view<KeyPair>('name public_key fingerprint \n 2.2+ type');
const createdView = view<KeyPair>('name public_key fingerprint user_id \n 2.2+ type');
const keyPairView = view(
  'name public_key fingerprint user_id created_at updated_at deleted deleted_at id=seq \n 2.2+ type',
  ({ createdAt }: Stored<KeyPair>) => {
    return { created_at: microTime(createdAt), updated_at: null, deleted: false, deleted_at: null };
  },
);

/** The key under which a user's pair is stored. */
export const keyOf = (userId: string, name: string): string => `${name}\n${userId}`;

/** Whose pairs are meant; 403 for those of others, except for administrators. */
function userOf(call: Call, verb: string, named = call.within('2.10') ? call.query('user_id') : undefined): string {
  if (named !== undefined && named !== call.who.userId) allow(call, `os-keypairs:${verb}`);
  return named ?? call.who.userId;
}

function pairOf(call: Call, verb: string): Stored<KeyPair> {
  const [name, user] = [call.args.id!, userOf(call, verb)];
  return call.cloud.keyPairs.get(keyOf(user, name)) ?? refuse(404, `Keypair ${name} not found for user ${user}`);
}

const ofUser = { query: { '2.10': each('user_id') } };
const paged = { query: { '2.10': each('user_id'), '2.35': each('user_id limit marker') } };
const untyped = { name: text({ pattern: '^(?! )[a-zA-Z0-9 _\\-]+(?<! )$' }), 'public_key?': anyText };
const typed = { ...untyped, 'type?': { enum: ['ssh'] } };
const body = {
  '2.1': object({ keypair: object(untyped) }),
  '2.2': object({ keypair: object(typed) }),
  '2.10': object({ keypair: object({ ...typed, 'user_id?': anyText }) }),
};
type NewKeyPair = { keypair: { name: string; public_key?: string; user_id?: string } };

export class KeyPairs {
  readonly index = reads(paged, (call) => {
    const all = call.cloud.keyPairs.list(userOf(call, 'index')).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const show: View<KeyPair> = (pair) => ({ keypair: listedView(pair, call) });
    return call.within('2.35')
      ? page(call, 'keypairs', all, show, 'name')
      : { keypairs: all.map((it) => show(it, call)) };
  });
  readonly show = reads(ofUser, (call) => ({ keypair: keyPairView(pairOf(call, 'show'), call) }));
  readonly create = declared<NewKeyPair>({ status: { '2.1': 200, '2.2': 201 }, body }, async (call) => {
    // A key takes its time, so it is made before the transaction.
    const made = call.body.keypair.public_key === undefined ? await generated() : undefined;
    return call.cloud.write(() => create(call, made));
  });
  readonly delete = writes({ ...ofUser, status: { '2.1': 202, '2.2': 204 } }, (call) => {
    const { user_id, name } = pairOf(call, 'delete');
    call.cloud.keyPairs.delete(keyOf(user_id, name));
  });
}

function create(call: Call<NewKeyPair>, made: { public_key: string; private_key: string } | undefined): object {
  const { name, public_key = made?.public_key ?? '', user_id: named } = call.body.keypair;
  const [{ keyPairs }, user_id] = [call.cloud, userOf(call, 'create', named)];
  const fingerprint = fingerprintOf(public_key);
  if (keyPairs.get(keyOf(user_id, name))) refuse(409, `Key pair '${name}' already exists.`);
  if (keyPairs.list(user_id).length >= call.settings.quotaKeyPairs) refuse(403, 'Quota exceeded, too many key pairs.');
  const pair = { name, user_id, type: 'ssh', public_key, fingerprint, createdAt: call.now };
  return { keypair: { ...createdView(keyPairs.insert(keyOf(user_id, name), pair, user_id), call), ...made } };
}

/** MD5 of the decoded key, in pairs. 400 for what is no key in the form of RFC 4253 §6.6: `type base64 comment`. */
function fingerprintOf(publicKey: string): string {
  const [type = '', encoded = ''] = publicKey.trim().split(/\s+/);
  const blob = Buffer.from(encoded, 'base64');
  const named = blob.length > type.length + 24 && blob.toString('latin1', 4, 4 + blob.readUInt32BE(0)) === type;
  if (!named) refuse(400, 'Keypair data is invalid: failed to generate fingerprint');
  return createHash('md5')
    .update(blob)
    .digest('hex')
    .replaceAll(/..(?!$)/g, '$&:');
}

async function generated(): Promise<{ public_key: string; private_key: string }> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  // The modulus has its highest bit set, so it needs a zero in front to be positive (RFC 4251 §5).
  const parts = [Buffer.from('ssh-rsa'), Buffer.from(e, 'base64url'), Buffer.from([0, ...Buffer.from(n, 'base64url')])];
  const blob = Buffer.concat(parts.flatMap((part) => [Buffer.from([0, 0, part.length >> 8, part.length & 255]), part]));
  const private_key = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  return { public_key: `ssh-rsa ${blob.toString('base64')} Generated-by-Portico`, private_key };
}
