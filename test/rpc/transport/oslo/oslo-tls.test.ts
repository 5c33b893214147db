/** Tests `oslo+amqps://` with a broker behind TLS. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { RPCConnection, RPCService } from 'portico/rpc';
import { makePair } from '../../../server/certificate-files.js';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { withoutBroker } from '../amqp/broker.js';
import { BrokerProxy } from '../amqp/broker-proxy.js';
import { deleteOsloTopic, osloUrl } from './peer.js';

test('RP-92 oslo+amqps:// calls through TLS with ssl_ca_file; a certificate of another authority is refused', {
  skip: withoutBroker,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [pair, foreign] = [await makePair(), await makePair()];
  const [ours, theirs] = [join(folder, 'ca.pem'), join(folder, 'other.pem')];
  writeFileSync(ours, pair.cert);
  writeFileSync(theirs, foreign.cert);
  const proxy = await BrokerProxy.open(pair);
  const id = randomUUID().slice(0, 8);
  const [topic, project] = [`tls-${id}`, `x${id}`];
  const recorded = recordedLog();
  const { log } = recorded;
  const url = proxy.url.replace('amqp://', 'oslo+amqps://').replace('127.0.0.1', 'localhost');
  const config = (file: string): Config =>
    Config.fromText(`[rpc]\ntransport_url = ${url}\n[oslo_messaging_rabbit]\nssl_ca_file = ${file}\n`);
  class Images {
    size(_: unknown, { to }: { to: number }): number {
      return to;
    }
  }
  const common = { binary: 'node-images', host: 'node', registration: null, manager: Images, project, log } as const;
  const service = RPCService.create({ ...common, topic, transport: osloUrl });
  await service.start();
  const rpc = new RPCConnection({ config: config(ours), project, log });
  const refused = new RPCConnection({ config: config(theirs), project, log });
  try {
    assert.equal(await rpc.client({ topic, timeout: 20 }).call({}, 'size', { to: 7 }), 7);
    assert.equal(proxy.connections, 2);
    // Clients of one URL share a connection, so close the trusted one first.
    await rpc.close();
    await assert.rejects(refused.client({ topic, timeout: 1 }).call({}, 'size', { to: 7 }), /certificate/);
  } finally {
    await Promise.all([rpc.close(), refused.close()]);
    await service.stop();
    await proxy.close();
    await deleteOsloTopic(project, topic);
  }
});
