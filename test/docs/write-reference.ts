/** Writes the generated parts of pages: `npm run docs:reference`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../fixtures/project.js';
import { referencePages } from './reference.js';

for (const [path, text] of await referencePages()) writeFileSync(join(root, path), text);
