/** Changes of files, wherever the links on the way to them lead. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { watchFiles } from '#internal/config';
import { temporaryFolder } from '../../fixtures/keeper.js';

test('CF-89 a file written in place, replaced, or reached through a turned link is noticed', async () => {
  const folder = temporaryFolder('portico-watch-');
  const file = join(folder, 'portico.ini');
  writeFileSync(file, '1');
  for (const version of ['a', 'b']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'mounted.ini'), version);
  }
  symlinkSync('a', join(folder, '..data'));
  symlinkSync('..data/mounted.ini', join(folder, 'mounted.ini'));
  const changes: (() => void)[] = [
    () => writeFileSync(file, '2'),
    () => {
      writeFileSync(join(folder, 'new'), '3');
      renameSync(join(folder, 'new'), file);
    },
    () => {
      symlinkSync('b', join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    },
  ];
  let noticed = (): void => {};
  let calls = 0;
  const stop = watchFiles(
    [file, join(folder, 'mounted.ini'), join(folder, 'no', 'such')],
    () => {
      calls++;
      noticed();
    },
    { quietMs: 20 },
  );
  // The watcher does not keep the process alive.
  const alive = setInterval(() => {}, 1000);
  for (const change of changes) {
    const seen = new Promise<void>((resolve) => {
      noticed = resolve;
    });
    change();
    await seen;
  }
  assert.ok(calls >= changes.length);
  stop();
  clearInterval(alive);
});

/** Watches a file; returns a function that waits until a call has found this content. */
function watching(t: TestContext, path: string, options: object = {}): (content: string) => Promise<void> {
  let called = (): void => undefined;
  const stop = watchFiles([path], () => called(), { quietMs: 20, ...options });
  const alive = setInterval(() => undefined, 1000);
  t.after(() => {
    stop();
    clearInterval(alive);
  });
  return (content) =>
    new Promise((resolve) => {
      called = () => {
        if (readFileSync(path, 'utf8') === content) resolve();
      };
    });
}

/** Turns a link to another target, as `ln -sfn` does. */
function turn(link: string, target: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

test('RW-6 a change behind a link into another folder is noticed, also after the link was turned', async (t) => {
  const folder = temporaryFolder('portico-links-');
  for (const name of ['etc', 'srv', 'srv/new']) mkdirSync(join(folder, name));
  const real = join(folder, 'srv', 'portico.ini');
  writeFileSync(real, '1');
  writeFileSync(join(folder, 'srv', 'new', 'portico.ini'), '3');
  const link = join(folder, 'etc', 'portico.ini');
  symlinkSync('../srv/portico.ini', link);
  const found = watching(t, link);
  let seen = found('2');
  writeFileSync(real, '2');
  await seen;
  seen = found('3');
  turn(link, join(folder, 'srv', 'new', 'portico.ini'));
  await seen;
  seen = found('4');
  writeFileSync(join(folder, 'srv', 'new', 'portico.ini'), '4');
  await seen;
});

test('RW-6 each link of a chain counts, and links to folders: as certbot renews, and as a release is switched', async (t) => {
  const folder = temporaryFolder('portico-chain-');
  for (const name of ['tls', 'archive', 'live', 'releases/1', 'releases/2'])
    mkdirSync(join(folder, name), { recursive: true });
  for (const number of ['1', '2']) {
    writeFileSync(join(folder, 'archive', `cert${number}.pem`), number);
    writeFileSync(join(folder, 'releases', number, 'portico.ini'), `release ${number}`);
  }
  symlinkSync('../archive/cert1.pem', join(folder, 'live', 'cert.pem'));
  symlinkSync(join(folder, 'live', 'cert.pem'), join(folder, 'tls', 'cert.pem'));
  symlinkSync('releases/1', join(folder, 'current'));

  const renewed = watching(t, join(folder, 'tls', 'cert.pem'))('2');
  turn(join(folder, 'live', 'cert.pem'), '../archive/cert2.pem');
  await renewed;
  const switched = watching(t, join(folder, 'current', 'portico.ini'))('release 2');
  turn(join(folder, 'current'), 'releases/2');
  await switched;
});

test('RW-6 a folder that another one replaces is watched again', async (t) => {
  const folder = temporaryFolder('portico-replaced-');
  for (const name of ['conf', 'next']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'portico.ini'), name);
  }
  const file = join(folder, 'conf', 'portico.ini');
  const found = watching(t, file, { pollMs: 50 });
  let seen = found('next');
  renameSync(join(folder, 'conf'), join(folder, 'old'));
  renameSync(join(folder, 'next'), join(folder, 'conf'));
  await seen;
  seen = found('later');
  writeFileSync(file, 'later');
  await seen;
});

test('NI-5 a change is noticed beside a file that is written all the time, and of a file that is', async (t) => {
  const folder = temporaryFolder('portico-busy-');
  const [file, busy] = [join(folder, 'portico.ini'), join(folder, 'service.log')];
  for (const each of [file, busy]) writeFileSync(each, '');
  const writes = setInterval(() => appendFileSync(busy, 'a line\n'), 5);
  t.after(() => clearInterval(writes));
  const options = { quietMs: 200, pollMs: 60_000 };
  const seen = watching(t, file, options)('2');
  writeFileSync(file, '2');
  await seen;
  const alive = new Promise<void>((resolve) => {
    t.after(watchFiles([busy], resolve, options));
  });
  await alive;
  assert.notEqual(readFileSync(busy, 'utf8'), '');
});
