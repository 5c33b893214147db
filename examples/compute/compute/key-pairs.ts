/** SSH key pairs. Each belongs to a user; administrators may name another user from 2.10 on. */
import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { collectionPage, isoMicros } from 'portico/openstack';
import { type ActionRequest, action } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../cloud.js';
import type { KeyPair } from '../records.js';
import { Controller, callerOf, refuse, requireAdmin } from './api.js';
import { exceeds, quotasOf } from './project-quotas.js';
import { anyText, closed, query, strict, text } from './schemas.js';

const user = query('user_id');
const userQuery = { '2.10': user, '2.75': strict(user) } as const;
const page = query('user_id', 'limit', 'marker');
const listQuery = { '2.10': user, '2.35': page, '2.75': strict(page) } as const;

const members = { name: { ...text, pattern: '^(?! )[a-zA-Z0-9 _\\-]+(?<! )$' }, public_key: anyText } as const;
const typed = { ...members, type: { enum: ['ssh'] } } as const;
const owned = { ...typed, user_id: anyText } as const;
const body = {
  '2.1': closed({ keypair: closed(members, 'name') }, 'keypair'),
  '2.2': closed({ keypair: closed(typed, 'name') }, 'keypair'),
  '2.10': closed({ keypair: closed(owned, 'name') }, 'keypair'),
} as const;

export class KeyPairs extends Controller {
  readonly index = action({ query: listQuery }, (request) => {
    const user = userOf(request, 'index', request.queryValue('user_id'));
    const pairs = this.cloud
      .read(() => this.cloud.keyPairs.listOf(user))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const show = (pair: KeyPair) => ({ keypair: keyPairView(request, pair) });
    if (!request.apiVersion.atLeast('2.35')) return { keypairs: pairs.map(show) };
    return collectionPage(request, 'keypairs', pairs, { show, marker: 'name', maxLimit: this.settings.maxLimit });
  });

  readonly show = action({ query: userQuery }, (request, { id }) => {
    const pair = this.cloud.read(() => this.#find(request, 'show', String(id)));
    return { keypair: keyPairDetail(request, pair) };
  });

  readonly create = action({ status: { '2.1': 200, '2.2': 201 }, body }, async (request) => {
    const { name, public_key, user_id = callerOf(request).userId } = request.body.keypair;
    const owner = userOf(request, 'create', user_id);
    // Generating a key takes time: it is done outside the transaction, and only if the user may have another pair.
    this.cloud.read(() => this.#refuseOneMore(request, owner, name));
    const generated = public_key === undefined ? await generatedKey() : undefined;
    const key = public_key ?? generated!.public_key;
    const fingerprint = fingerprintOf(key) ?? refuse(400, 'Keypair data is invalid: failed to generate fingerprint');
    const created_at = isoMicros(Date.now());
    const pair: KeyPair = { name, user_id: owner, type: 'ssh', public_key: key, fingerprint, created_at };
    this.cloud.write(() => {
      this.#refuseOneMore(request, owner, name);
      this.cloud.keyPairs.insert(storedUnder(owner, name), pair, owner);
    });
    return { keypair: newKeyPairView(request, pair, generated?.private_key) };
  });

  readonly delete = action({ query: userQuery, status: { '2.1': 202, '2.2': 204 } }, (request, { id }) => {
    this.cloud.write(() => {
      const { user_id, name } = this.#find(request, 'delete', String(id));
      this.cloud.keyPairs.delete(storedUnder(user_id, name));
    });
  });

  #find(request: ActionRequest, verb: string, name: string): Stored<KeyPair> {
    const user = userOf(request, verb, request.queryValue('user_id'));
    return keyPairOf(this.cloud, user, name) ?? refuse(404, `Keypair ${name} not found for user ${user}`);
  }

  /** Throws 409 if the user has a pair with this name, 403 if the user has too many. */
  #refuseOneMore(request: ActionRequest, owner: string, name: string): void {
    if (keyPairOf(this.cloud, owner, name)) refuse(409, `Key pair '${name}' already exists.`);
    const count = this.cloud.keyPairs.listOf(owner).length;
    const { key_pairs } = quotasOf(this.cloud, callerOf(request).projectId);
    if (exceeds(count + 1, key_pairs)) refuse(403, 'Quota exceeded, too many key pairs.');
  }
}

/** Returns the user's key pair with this name, or undefined. */
export function keyPairOf(cloud: Cloud, user: string, name: string): Stored<KeyPair> | undefined {
  return cloud.keyPairs.get(storedUnder(user, name));
}

const storedUnder = (user: string, name: string): string => `${name}\n${user}`;

/** Returns the owner of the pairs: the caller or, from 2.10 on, the user named. 403 for another user, except for administrators. */
function userOf(request: ActionRequest, verb: string, named: string | undefined): string {
  const { userId } = callerOf(request);
  if (named === undefined || !request.apiVersion.atLeast('2.10')) return userId;
  if (named !== userId) requireAdmin(request, `os-keypairs:${verb}`);
  return named;
}

function keyPairView({ apiVersion }: ActionRequest, { name, public_key, fingerprint, type }: KeyPair) {
  return { name, public_key, fingerprint, ...(apiVersion.atLeast('2.2') && { type }) };
}

/** The response to a creation: the only one with the private key, if the pair was generated. */
function newKeyPairView(request: ActionRequest, pair: KeyPair, private_key: string | undefined) {
  const { user_id } = pair;
  return { ...keyPairView(request, pair), user_id, ...(private_key !== undefined && { private_key }) };
}

function keyPairDetail(request: ActionRequest, pair: Stored<KeyPair>) {
  const { user_id, created_at, seq: id } = pair;
  const times = { created_at, updated_at: null, deleted: false, deleted_at: null };
  return { ...keyPairView(request, pair), user_id, ...times, id };
}

/**
 * Returns the MD5 fingerprint of a public key (`type base64 comment`, with the data of RFC 4253 §6.6) as hexadecimal pairs with colons;
 * undefined if the text is not a key.
 */
function fingerprintOf(publicKey: string): string | undefined {
  const [type = '', encoded = ''] = publicKey.trim().split(/\s+/);
  const blob = Buffer.from(encoded, 'base64');
  const named = blob.length > type.length + 24 && blob.toString('latin1', 4, 4 + blob.readUInt32BE(0)) === type;
  const digest = createHash('md5').update(blob).digest('hex');
  return named ? digest.replaceAll(/..(?!$)/g, '$&:') : undefined;
}

/** Generates an RSA key pair. */
async function generatedKey(): Promise<{ public_key: string; private_key: string }> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  // The modulus has its highest bit set, so it needs a leading zero byte to be positive (RFC 4251 §5).
  const parts = [Buffer.from('ssh-rsa'), Buffer.from(e, 'base64url'), Buffer.from([0, ...Buffer.from(n, 'base64url')])];
  const blob = Buffer.concat(parts.flatMap((part) => [Buffer.from([0, 0, part.length >> 8, part.length & 255]), part]));
  const private_key = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  return { public_key: `ssh-rsa ${blob.toString('base64')} Generated-by-Portico`, private_key };
}
