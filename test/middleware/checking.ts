/** Health checks as apps of a paste file, and a server for one. */
import type { Server } from 'node:http';
import type { TestContext } from 'node:test';
import { type App, environ } from 'portico/app';
import { healthcheck } from 'portico/middleware';
import { buildApp, lint } from 'portico/testing';
import { nodeServer } from '../fixtures/node-server.js';

/** Calls the app as urlmap does below `/healthcheck`. */
export const mounted =
  (app: App): App =>
  (req, res) => {
    environ(req).scriptName = '/healthcheck';
    req.url = (req.url ?? '').slice('/healthcheck'.length);
    return app(req, res);
  };

/** Serves an app on a separate server until the test ends, for tests that depend on the port or count requests. */
export async function serve(t: TestContext, app: App): Promise<{ server: Server; port: number; url: string }> {
  const { server, port, url } = await nodeServer(t, app);
  return { server, port, url: `${url}/healthcheck` };
}

export async function checking(local: Record<string, string> = {}): Promise<App & { close?: () => Promise<void> }> {
  const { made, close } = await buildApp(healthcheck, { local });
  return Object.assign(mounted(lint(made)), { close });
}
