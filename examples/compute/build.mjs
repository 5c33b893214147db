// Compiles the sample, and joins its modules in one file, which starts faster: docs/how-to/bundle.md.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

execFileSync(process.execPath, [pathOf('../../node_modules/typescript-7/bin/tsc'), '-p', pathOf('.')], {
  stdio: 'inherit',
});
await build({
  entryPoints: [pathOf('dist/index.js')],
  outfile: pathOf('dist/bundle.js'),
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
});
