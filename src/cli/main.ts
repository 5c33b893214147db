#!/usr/bin/env node
/** `api-cli`: one program. It listens to signals before it loads its other modules. */
import { holdSignals, keepCompiledCode } from '../process/index.js';

const release = holdSignals({ launches: false });
keepCompiledCode();
const { begin } = await import('./begin.js');
await begin(process.argv.slice(2), release);
