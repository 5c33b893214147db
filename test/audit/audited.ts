/** A pipeline with the filter audit behind an authenticator, for tests: its events for a request. */
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { type App, environ, type Filter, readBody } from 'portico/app';
import { audit } from 'portico/audit';
import { lint } from 'portico/testing';
import { filterUntilEnd } from '../fixtures/until-end.js';
import { type Sent, serveApp } from '../routing/served-router.js';
import { memoryLog } from '../server/memory-log.js';

/** A type of event, and its payload. */
export type Told = readonly [eventType: unknown, payload: Record<string, unknown>];

/** An authenticator that believes the headers of keystonemiddleware, and request ids. */
const believing: Filter = (app) => (req, res) => {
  const env = environ(req);
  const {
    'x-user-id': userId,
    'x-user-name': userName,
    'x-project-id': projectId,
  } = req.headers as Record<string, string>;
  if (userId !== undefined) {
    env.identity = { userId, userName, projectId };
    env.tokenInfo = { userId, expiresAt: new Date(), roles: [] };
  }
  const { 'x-request': requestId, 'x-global': globalRequestId } = req.headers as Record<string, string>;
  if (requestId !== undefined) Object.assign(env, { requestId, globalRequestId });
  return app(req, res);
};

/** Reads the body, and responds with the status in the query. */
const answering: App = async (req, res) => {
  await readBody(req);
  res.statusCode = Number(/status=(\d+)/.exec(req.url ?? '')?.[1] ?? 200);
  res.end();
};

/** Serves `inner` behind audit with these options of its section; returns what sends a request and returns its events. */
export async function audited(t: TestContext, local: Readonly<Record<string, string>>, inner = answering) {
  const log = memoryLog();
  const { made } = await filterUntilEnd(t, audit, { local, log });
  const app = believing(lint(made(inner)));
  let closed: Promise<unknown>;
  const send = await serveApp(t, (req, res) => {
    closed = once(res, 'close');
    return app(req, res);
  });
  return async (method: string, path: string, sent?: Sent): Promise<Told[]> => {
    log.lines.length = 0;
    await send(method, path, sent);
    await closed;
    return log.lines.flatMap(({ fields, message }) =>
      message === 'audit' ? [[fields.event_type, fields.payload as Record<string, unknown>] as const] : [],
    );
  };
}
