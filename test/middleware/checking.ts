/** Health checks as apps of a paste file, and a server for one. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type App, environ } from 'portico/app';
import { healthcheck } from 'portico/middleware';
import { buildApp, lint } from 'portico/testing';

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
  const server = createServer((req, res) => void app(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `http://127.0.0.1:${port}/healthcheck` };
}

export async function checking(local: Record<string, string> = {}): Promise<App & { close?: () => Promise<void> }> {
  const { made, close } = await buildApp(healthcheck, { local });
  return Object.assign(mounted(lint(made)), { close });
}
