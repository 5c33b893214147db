import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ConnectionOptions, connect, rootCertificates, type TLSSocket } from 'node:tls';
import { PorticoError } from 'portico/config';
import { isTlsEnabled, tlsOptions } from 'portico/server';
import { generate } from 'selfsigned';
import type { ConfigurationRefused } from '#internal/config';
import { keptCertificate } from '../../dist/server/api/api-tls.js';
import { chainWarning, validityWarning } from '../../dist/server/tls/certificates.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { certificateFiles, issuedPair, makePair } from './certificate-files.js';
import { Client, exchange, portOf } from './raw-client.js';
import { startedServer } from './started-server.js';

const refusal = (message: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof PorticoError && 'blamesConfiguration' in error);
  assert.equal(error.code, 'PORTICO_TLS_CONFIG');
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

const BOTH =
  'When running server in SSL mode, you must specify both a cert_file and key_file option value in your configuration file';

test('LC-1011 TLS is enabled by a certificate or a key; a ca_file alone does not enable it', async () => {
  const { cert, key } = await certificateFiles();
  assert.equal(isTlsEnabled({}), false);
  assert.equal(isTlsEnabled({ certFile: null, keyFile: null, caFile: cert }), false);
  assert.equal(isTlsEnabled({ certFile: cert, keyFile: key }), true);
});

test('LC-1011 the checks come in the order certificate, authority, key, both', async () => {
  const { cert, key, folder } = await certificateFiles();
  const none = (name: string) => join(folder, name);
  const all = { certFile: none('c'), caFile: none('a'), keyFile: none('k') };
  assert.throws(() => isTlsEnabled(all), refusal(`Unable to find cert_file : ${none('c')}`));
  assert.throws(() => isTlsEnabled({ ...all, certFile: cert }), refusal(`Unable to find ca_file : ${none('a')}`));
  assert.throws(
    () => isTlsEnabled({ ...all, certFile: cert, caFile: cert }),
    refusal(`Unable to find key_file : ${none('k')}`),
  );
  assert.throws(() => isTlsEnabled({ certFile: cert }), refusal(BOTH));
  assert.throws(() => isTlsEnabled({ keyFile: key }), refusal(BOTH));
});

test('LC-1014 asking for TLS without any file is refused', () => {
  assert.throws(() => tlsOptions({}), refusal(BOTH));
});

test('LC-1011 RL-92 a file that is not ours to read is refused with its path', async () => {
  const { cert, key } = await certificateFiles();
  const readFile = () => {
    throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
  };
  assert.throws(
    () => isTlsEnabled({ certFile: cert, keyFile: key }, readFile),
    refusal(`Unable to read cert_file : ${cert}`),
  );
});

test('RL-92 a key of another certificate, and files that hold something else, are refused with their paths', async () => {
  const { cert, key, folder } = await certificateFiles();
  const other = join(folder, 'other.pem');
  writeFileSync(other, (await makePair()).key);
  assert.throws(() => tlsOptions({ certFile: cert, keyFile: other }), refusal(new RegExp(`${other}.*${cert}`)));
  writeFileSync(other, 'no PEM at all');
  assert.throws(
    () => tlsOptions({ certFile: other, keyFile: key }),
    refusal(`cert_file contains no certificate: ${other}`),
  );
  assert.throws(
    () => tlsOptions({ certFile: cert, keyFile: other }),
    refusal(`key_file contains no usable private key: ${other}`),
  );
  assert.throws(
    () => tlsOptions({ certFile: cert, keyFile: key, caFile: other }),
    refusal(`ca_file contains no certificate: ${other}`),
  );
});

test('RL-92 files that hold no PEM, a key that is too short and unknown ciphers are refused before TLS is used', async () => {
  const { cert, key, folder, pem } = await certificateFiles();
  const der = join(folder, 'der.cer');
  writeFileSync(der, new X509Certificate(pem.cert).raw);
  assert.throws(
    () => tlsOptions({ certFile: der, keyFile: key }),
    refusal(`cert_file contains no certificate: ${der}`),
  );
  assert.throws(
    () => tlsOptions({ certFile: cert, keyFile: key, caFile: der }),
    refusal(`ca_file contains no certificate: ${der}`),
  );
  assert.throws(
    () => tlsOptions({ certFile: cert, keyFile: key, ciphers: 'nonsense' }),
    refusal('ciphers cannot be used: no cipher match'),
  );
  const short = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 512 });
  const [shortCert, shortKey] = [join(folder, 'short.pem'), join(folder, 'short.key')];
  writeFileSync(shortCert, short.cert);
  writeFileSync(shortKey, short.private);
  assert.throws(
    () => tlsOptions({ certFile: shortCert, keyFile: shortKey }),
    refusal(`cert_file cannot be used: ee key too small: ${shortCert}`),
  );
});

test('RL-92 all errors of the files and the version are reported at once', async () => {
  const { cert, folder } = await certificateFiles();
  const none = (name: string) => join(folder, name);
  const refused = (settings: object) => {
    try {
      tlsOptions(settings);
      return [];
    } catch (error) {
      return (error as ConfigurationRefused).diagnostics.map(({ message }) => message);
    }
  };
  assert.deepEqual(refused({ certFile: none('c'), keyFile: none('k'), caFile: none('a'), version: 'SSLv3' }), [
    `Unable to find cert_file : ${none('c')}`,
    `Unable to find key_file : ${none('k')}`,
    `Unable to find ca_file : ${none('a')}`,
    'Invalid SSL version : SSLv3',
  ]);
  assert.deepEqual(refused({ certFile: cert, keyFile: cert, caFile: none('a') }), [
    `key_file contains no usable private key: ${cert}`,
    `Unable to find ca_file : ${none('a')}`,
  ]);
});

test('LC-1004 LC-1012 protocol versions keep their old names; those that are broken are refused', async () => {
  const { cert, key } = await certificateFiles();
  const versions = (version: string | null) => {
    const { minVersion, maxVersion } = tlsOptions({ certFile: cert, keyFile: key, version });
    return [minVersion, maxVersion];
  };
  assert.deepEqual(versions(null), ['TLSv1.2', undefined]);
  assert.deepEqual(versions('SSLv23'), ['TLSv1.2', undefined]);
  assert.deepEqual(versions('tlsv1_2'), ['TLSv1.2', 'TLSv1.2']);
  assert.deepEqual(versions('TLSv1_3'), ['TLSv1.3', 'TLSv1.3']);
  for (const bad of ['SSLv2', 'SSLv3', 'TLSv9', 'constructor']) {
    assert.throws(() => versions(bad), refusal(`Invalid SSL version : ${bad}`));
  }
});

test('LC-1002 LC-1003 LC-1005 certificate, key and ciphers are those of the options', async (t) => {
  const { cert, key, pem } = await certificateFiles();
  const tls = tlsOptions({
    certFile: cert,
    keyFile: key,
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    version: 'TLSv1_2',
  });
  assert.deepEqual([tls.cert, tls.key], [Buffer.from(pem.cert), Buffer.from(pem.key)]);
  const server = await startedServer(t, 'tls', (_req, res) => void res.end('ok'), { tls });
  const socket = await handshake(portOf(server), { ca: pem.cert });
  assert.equal(socket.getCipher().name, 'ECDHE-ECDSA-AES128-GCM-SHA256');
  socket.destroy();
});

test('LC-1001 a ca_file requires client certificates unless client_auth says otherwise', async () => {
  const { cert, key } = await certificateFiles();
  const auth = (more: object) => {
    const { requestCert, rejectUnauthorized } = tlsOptions({ certFile: cert, keyFile: key, ...more });
    return [requestCert, rejectUnauthorized];
  };
  assert.deepEqual(auth({}), [false, false]);
  assert.deepEqual(auth({ caFile: cert }), [true, true]);
  assert.deepEqual(auth({ caFile: cert, clientAuth: 'optional' }), [true, false]);
  assert.deepEqual(auth({ caFile: cert, clientAuth: 'none' }), [false, false]);
  assert.throws(() => auth({ clientAuth: 'required' }), refusal(/ca_file is not set/));
});

test('RL-92 a certificate that has ended, or has less than 30 days left, is worth a warning', async () => {
  const warning = async (days: number) =>
    validityWarning('/etc/c.pem', new X509Certificate((await makePair(days)).cert));
  assert.match((await warning(-1)) ?? '', /^The certificate \/etc\/c.pem has expired on \d{4}-\d\d-\d\dT/);
  assert.match((await warning(29.5)) ?? '', /^The certificate \/etc\/c.pem expires in 29 days, on \d{4}/);
  assert.match((await warning(1.5)) ?? '', /expires in a day, on/);
  assert.match((await warning(0.5)) ?? '', /expires today, on/);
  assert.equal(await warning(31), undefined);
});

test('NI-9 a certificate whose intermediate one is missing is worth a warning', async () => {
  const own = await issuedPair({ organizationName: 'Example', commonName: 'Example CA 7' });
  const parsed = (...pems: string[]) => pems.map((pem) => new X509Certificate(pem));
  assert.equal(
    chainWarning('/etc/c.pem', parsed(own.cert), []),
    'Clients may not trust the certificate /etc/c.pem: append the intermediate certificate of its issuer, O=Example, CN=Example CA 7; if that is your own authority, its certificate',
  );
  assert.equal(chainWarning('/etc/c.pem', parsed(own.cert, own.ca), []), undefined);
  assert.equal(chainWarning('/etc/c.pem', parsed(own.cert), parsed(own.ca)), undefined);
  // As behind an intermediate certificate, which the root has issued.
  const [root] = rootCertificates
    .map((pem) => new X509Certificate(pem).subject.split('\n'))
    .filter((lines) => /^C=US O=[\w ]+ CN=[\w ]+$/.test(lines.join(' ')));
  const [countryName, organizationName, commonName] = root!.map((line) => line.slice(line.indexOf('=') + 1));
  const issued = await issuedPair({
    countryName: countryName!,
    organizationName: organizationName!,
    commonName: commonName!,
  });
  assert.equal(chainWarning('/etc/c.pem', parsed(issued.cert), []), undefined);
  assert.equal(chainWarning('/etc/c.pem', parsed((await makePair()).cert), []), undefined);
});

async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  return socket;
}

test('RL-90 TLS 1.2 and 1.3 with forward secrecy are spoken, older ones and plain HTTP are not', async (t) => {
  const { cert, key, pem } = await certificateFiles();
  const server = await startedServer(t, 'tls', (_req, res) => void res.end('ok'), {
    tls: tlsOptions({ certFile: cert, keyFile: key }),
  });
  const port = portOf(server);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await handshake(port, { ca: pem.cert, minVersion: version, maxVersion: version });
    assert.equal(socket.getProtocol(), version);
    if (version === 'TLSv1.2') assert.match(socket.getCipher().name, /^ECDHE-/);
    socket.destroy();
  }
  await assert.rejects(
    handshake(port, { ca: pem.cert, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }),
  );
  await assert.rejects(handshake(port, { ca: pem.cert, maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }));
  assert.doesNotMatch(await exchange(port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'), / 200 /);
});

test('LC-1004 an old version is spoken where it is asked for', async (t) => {
  const { cert, key, pem } = await certificateFiles();
  const tls = tlsOptions({ certFile: cert, keyFile: key, version: 'TLSv1_1' });
  const server = await startedServer(t, 'tls', (_req, res) => void res.end('ok'), { tls });
  const socket = await handshake(portOf(server), {
    ca: pem.cert,
    minVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  });
  assert.equal(socket.getProtocol(), 'TLSv1.1');
  socket.destroy();
});

test('LC-1012 a client without a certificate is turned away where one is required', async (t) => {
  const { cert, key, pem } = await certificateFiles();
  const tls = tlsOptions({ certFile: cert, keyFile: key, caFile: cert });
  const server = await startedServer(t, 'mutual', (_req, res) => void res.end('ok'), { tls });
  const ask = async (options: ConnectionOptions) => {
    const client = new Client(await handshake(portOf(server), { ca: pem.cert, ...options }));
    client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await client.closed;
    return client.received;
  };
  assert.equal(await ask({}), '');
  assert.match(await ask({ cert: pem.cert, key: pem.key }), / 200 /);
});

test('LC-1015 RL-92 a new certificate is for new connections, the present ones go on', async (t) => {
  const [one, two] = [await certificateFiles(), await certificateFiles()];
  const options = ({ cert, key }: { cert: string; key: string }) => tlsOptions({ certFile: cert, keyFile: key });
  const server = await startedServer(t, 'renewed', (_req, res) => void res.end('ok'), { tls: options(one) });
  const kept = new Client(await handshake(portOf(server), { ca: one.pem.cert }));
  server.replaceTls(options(two));
  const fresh = await handshake(portOf(server), { ca: two.pem.cert });
  fresh.destroy();
  kept.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.equal((await kept.response()).body, 'ok');
  kept.close();
});

test('RV-2 client certificates that a reload requires are demanded, also of a client that resumes a session', async (t) => {
  const { cert, key, pem } = await certificateFiles();
  const options = (more = {}) => tlsOptions({ certFile: cert, keyFile: key, ...more });
  const server = await startedServer(t, 'mutual', (_req, res) => void res.end('ok'), { tls: options() });
  const ask = async (more: ConnectionOptions = {}) => {
    const socket = connect({ port: portOf(server), host: '127.0.0.1', servername: 'localhost', ca: pem.cert, ...more });
    const sessions: Buffer[] = [];
    socket.on('session', (session) => sessions.push(session));
    const client = new Client(socket);
    client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await client.closed;
    return { received: client.received, session: sessions.at(-1)! };
  };
  const { received, session } = await ask();
  assert.match(received, / 200 /);
  server.replaceTls(options({ caFile: cert }));
  assert.equal((await ask()).received, '');
  assert.equal((await ask({ session })).received, '');
  assert.match((await ask({ cert: pem.cert, key: pem.key })).received, / 200 /);
  server.replaceTls(options());
  assert.match((await ask()).received, / 200 /);
});

test('OP-2 a development certificate is for localhost, 127.0.0.1 and ::1', async (t) => {
  const tls = await keptCertificate(temporaryFolder(), 'localhost');
  const names = new X509Certificate(tls.cert as string).subjectAltName ?? '';
  assert.match(names, /DNS:localhost.*IP Address:127\.0\.0\.1.*IP Address:0:0:0:0:0:0:0:1/);
  const server = await startedServer(t, 'dev', (_req, res) => void res.end('ok'), { tls });
  const socket = await handshake(portOf(server), { ca: tls.cert as string });
  assert.equal(socket.authorized, true);
  socket.destroy();
});
