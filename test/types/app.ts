// Compiled, never run: how the parts of portico/app go together with Node's own types.
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { App } from 'portico/app';

declare const app: App;
const listener = (...given: Parameters<App>): void => void app(...given);
createServer(listener);
createSecureServer(listener);
