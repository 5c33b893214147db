/** Apps at mounts, and the app that a request reaches. */
import { lint, request } from 'portico/testing';
import { composed } from '../composed.js';

export const app = (name: string) => `[app:${name}]\npaste.app_factory = echo\nname = ${name}\n`;

export const APPS = ['root', 'v2', 'v21', 'deep', 'host', 'port'].map(app).join('');

export const INI = `[composite:main]
paste.composite_factory = urlmap
/: root
/v2: v2
/v2.1/: v21
//v2//deep//: deep
domain api.example.com /v2: host
domain api.example.com port 8774 /v2: port
${APPS}`;

export async function reached(ini: string, path: string, headers: Record<string, string> = {}, t?: unknown) {
  const main = await composed(t as Parameters<typeof composed>[0], ini);
  const answer = await request(lint(main), 'GET', path, { headers });
  return answer.json() as { name: string; scriptName: string; url: string; originalUrl: string };
}
