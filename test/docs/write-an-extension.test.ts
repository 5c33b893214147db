/** The transport of docs/how-to/write-an-extension.md where a file cannot be removed; `how-to.test.ts` runs the page. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { Config } from 'portico/config';
import type { Delivery, Transport } from 'portico/rpc';
import { emptyProject } from '../fixtures/project.js';
import { blocksOf } from './page.js';

test('the transport of the page makes room for the next message, also if a message cannot be removed', {
  timeout: 20_000,
}, async (t) => {
  const blocks = blocksOf('docs/how-to/write-an-extension.md').filter(({ file }) => file?.startsWith('spool/'));
  const files = blocks.map(({ file, text }) => {
    const { code } = transformSync(text.replaceAll(/(?<=from '\.\/\w+)\.ts'/g, ".js'"), { loader: 'ts' });
    return [file!.replace(/\.ts$/, '.js'), code] as const;
  });
  const project = emptyProject(Object.fromEntries(files));
  t.after(() => project.remove());
  const { spoolTransport } = (await import(pathToFileURL(join(project.folder, 'spool/transport.js')).href)) as {
    spoolTransport: (url: string, options: object, config: Config) => Transport;
  };
  const directory = join(project.folder, 'queues');
  const config = Config.fromText(`[spool]\ndirectory = ${directory}\npoll_ms = 1\n`);
  const transport = spoolTransport('spool://', { deliveryLimit: 3 }, config);
  await transport.connect();
  const route = { exchange: 'shop', topic: 'images' };
  await transport.declareQueue(route);
  for (const body of ['one', 'two']) await transport.publish(route, { body: Buffer.from(body), id: body });
  const got: Delivery[] = [];
  const [queue] = readdirSync(directory);
  let refused: Promise<void> | undefined;
  await new Promise<void>((resolve) => {
    void transport.consume(route, { prefetch: 1 }, (delivery) => {
      if (got.push(delivery) === 2) {
        resolve();
        return;
      }
      const taken = readdirSync(join(directory, queue!)).find((name) => name.endsWith('.taken'))!;
      rmSync(join(directory, queue!, taken));
      // A folder is not removed as a file.
      mkdirSync(join(directory, queue!, taken));
      refused = assert.rejects(delivery.ack(), { code: 'ERR_FS_EISDIR' });
    });
  });
  await refused;
  assert.deepEqual(
    got.map(({ message }) => String(message.body)),
    ['one', 'two'],
  );
  await got[1]!.ack();
  await transport.close();
});
