/** A host with sessions, and a browser that keeps its cookie. */
import type { TestContext } from 'node:test';
import type { App } from 'portico/app';
import { session } from 'portico/middleware';
import { Router } from 'portico/routing';
import { captureLog, request } from 'portico/testing';
import { until } from '../fixtures/until.js';
import { filterUntilEnd } from '../fixtures/until-end.js';

declare module 'portico/app' {
  interface SessionData {
    visits?: number;
  }
}

/** For tests of what hosts share: a busy machine is no store that fails. */
export const PATIENT = { timeout: '10000' };

/** A promise that an action waits for before it changes the session. */
export const before: { change?: (() => Promise<unknown>) | undefined } = {};

async function routes(): Promise<App> {
  const router = new Router();
  router.get('/', ({ session: kept }) => kept.data?.userId ?? 'nobody');
  router.get('/me', { auth: true }, ({ context }) => context.userId);
  router.post('/login', ({ session: kept }) => kept.begin({ userId: 'ada', visits: 0 }));
  router.post('/try', async ({ session: kept }) => {
    await kept.begin({ userId: 'bob' }).catch(() => undefined);
    return kept.data ?? 'nothing';
  });
  router.post('/visit', async ({ session: kept }) => {
    await kept.update({ visits: (kept.data?.visits ?? 0) + 1 });
    return kept.data?.visits ?? 0;
  });
  router.post('/part/{name}', async ({ session: kept, params }) => {
    await kept.update({ [`part${params.name}`]: true } as object);
    return '';
  });
  router.post('/later', async ({ session: kept }) => {
    await before.change?.();
    await kept.update({ visits: 9 });
    return kept.data ?? 'nothing';
  });
  router.post('/logout', ({ session: kept }) => kept.end());
  return router.build();
}

/** Builds the filter of one host. */
export async function hostOf(t: TestContext, local: Readonly<Record<string, string>>, service = 'shop') {
  const log = captureLog();
  const given = { secrets: '1'.repeat(32), ...local };
  const { made } = await filterUntilEnd(t, session, { local: given, service, log: log.log });
  return { app: made(await routes()), log };
}

export type Host = Awaited<ReturnType<typeof hostOf>>;

/** A browser, which may reach several hosts. */
export class Browser {
  cookie = '';

  async send(host: Host, method: string, path: string) {
    const begun = performance.now();
    const answer = await request(host.app, method, path, {
      headers: this.cookie === '' ? {} : { cookie: this.cookie },
    });
    const set = answer.headers['set-cookie']?.[0];
    if (set !== undefined) this.cookie = /Max-Age=0/.test(set) ? '' : set.split(';', 1)[0]!;
    const value = answer.body.length === 0 ? undefined : (answer.json() as unknown);
    return { status: answer.status, headers: answer.headers, set, value, ms: performance.now() - begun };
  }

  /** Returns the statuses of requests one after the other. */
  async statuses(host: Host, path: string, count: number): Promise<number[]> {
    const found: number[] = [];
    for (let sent = 0; sent < count; sent++) found.push((await this.send(host, 'GET', path)).status);
    return found;
  }

  /** Logs in, when the store takes it. */
  loggedIn(host: Host): Promise<unknown> {
    return until(
      () => this.send(host, 'POST', '/login'),
      ({ status }) => status === 204,
    );
  }

  /** Waits until the host knows the session. */
  known(host: Host): Promise<unknown> {
    return until(
      () => this.send(host, 'GET', '/me'),
      ({ status }) => status === 200,
    );
  }
}

export const said = ({ log }: Host, text: string): number =>
  log.lines.filter(({ msg }) => String(msg).includes(text)).length;
