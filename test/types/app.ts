// Compiled, never run: the parts of portico/app together with Node's types.
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { App } from 'portico/app';

declare const app: App;
const listener = (...given: Parameters<App>): void => void app(...given);
createServer(listener);
createSecureServer(listener);
