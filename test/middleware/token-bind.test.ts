import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { createServer, request as send } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type App, asFault, renderFault } from 'portico/app';
import { lint } from 'portico/testing';
import { generate } from 'selfsigned';
import { setUp, token } from './fake-identity.js';

const app: App = (_req, res) => void res.end('in');

test('MW-36 a bound token is good for the connection it is bound to', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'client' }], { keyType: 'ec' });
  const digest = createHash('sha256').update(new X509Certificate(cert).raw);
  const hex = digest.copy().digest('hex');
  const other = createHash('sha256').update('other').digest('hex');
  const binds: Record<string, object | undefined> = {
    free: undefined,
    hex: { x509: hex },
    colons: { x509: hex.toUpperCase().replace(/..(?=.)/g, '$&:') },
    base64url: { x509: digest.digest('base64url') },
    other: { x509: other },
    number: { x509: 1 },
    foreign: { kerberos: 'USER' },
    both: { kerberos: 'USER', x509: hex },
  };
  /** Which tokens get in. */
  const modes: Record<string, string> = {
    disabled: 'free hex colons base64url other number foreign both',
    permissive: 'free hex colons base64url foreign both',
    strict: 'free hex colons base64url',
    required: 'hex colons base64url',
    x509: 'hex colons base64url',
  };
  for (const [mode, expected] of Object.entries(modes)) {
    const { identity, filter } = await setUp(t, { enforce_token_bind: mode });
    for (const [name, bind] of Object.entries(binds)) identity.tokens.set(name, token({ bind }));
    const linted = lint(filter(app));
    const server = createServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (req, res) => {
      Promise.resolve(linted(req, res)).catch((error: unknown) => renderFault(req, res, asFault(error), 'portico'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const status = (name: string, tls: object): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { 'x-auth-token': name };
        const outgoing = send({ host: '127.0.0.1', port, headers, agent: false, rejectUnauthorized: false, ...tls });
        outgoing.on('response', (incoming) => resolve(incoming.resume().statusCode));
        outgoing.on('error', reject).end();
      });
    const accepted: string[] = [];
    for (const name of Object.keys(binds)) if ((await status(name, { key, cert })) === 200) accepted.push(name);
    assert.equal(accepted.join(' '), expected, mode);
    if (mode === 'strict') assert.equal(await status('hex', {}), 401);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
