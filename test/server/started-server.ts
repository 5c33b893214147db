/** Servers of a test. */
import type { TestContext } from 'node:test';
import { Server, WSGIService } from 'portico/server';

/** Starts a server, which stops when the test ends. */
export async function startedServer(t: TestContext, ...how: ConstructorParameters<typeof Server>): Promise<Server> {
  const server = new Server(...how);
  await server.start();
  t.after(() => server.stop());
  return server;
}

/** Starts an API, which stops when the test ends. */
export async function startedService(
  t: TestContext,
  ...how: ConstructorParameters<typeof WSGIService>
): Promise<WSGIService> {
  const service = new WSGIService(...how);
  await service.start();
  t.after(() => service.stop());
  return service;
}
