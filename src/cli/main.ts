#!/usr/bin/env node
/** `api-cli`: one command. It listens to signals before it loads its other modules. */
import { holdSignals, keepCompiledCode } from '../process/index.js';

const release = holdSignals({ launches: false });
keepCompiledCode();
// The parent sends the arguments with the configuration.
const { [Symbol.for('portico.worker')]: work } = process as unknown as { readonly [key: symbol]: unknown };
if (typeof work === 'function') await work(() => import('./worker-modules.js'));
const { begin } = await import('./begin.js');
await begin(process.argv.slice(2), release);
