/** Edits of the sample: `plan-sample.txt` records what `plan` says of each. */
import { join } from 'node:path';
import { stateFrom } from '../../dist/plan/state-process.js';
import { emptyProject } from '../fixtures/project.js';
import { copySample } from '../fixtures/sample.js';
import { checkEdits, type Edit } from '../plan/edits.js';
// It starts processes: the runner of the tests knows that by this import.
import '../plan/project.js';

const sample = 'sample/compute';

/** Edits of the sample. */
const SAMPLE: readonly Edit[] = [
  [`${sample}/versions.js`, "max: '2.79'", "max: '2.70'"],
  [`${sample}/versions.js`, "max: '2.79'", "max: '2.80'"],
  [`${sample}/routes.js`, "    ['GET', '/limits', Limits, 'index'],\n", ''],
  [
    `${sample}/routes.js`,
    "['GET', '/flavors/detail', Flavors, 'detail'],",
    "['GET', '/flavors/details', Flavors, 'detail'],",
  ],
  [`${sample}/images.js`, "'2.35'", "'2.30'"],
  [`${sample}/key-pairs.js`, "closed(typed, 'name')", "closed(typed, 'name', 'type')"],
  [`${sample}/key-pairs.js`, "'2.2': 201", "'2.2': 202"],
  [`${sample}/flavors/flavors.js`, "description }, 'description')", 'description })'],
  [`${sample}/servers/server-schemas.js`, 'maxItems: 50', 'maxItems: 10'],
  [`${sample}/schemas.js`, 'maxLength: 60,', 'maxLength: 50,'],
  ['api-paste.ini', 'sizelimit noauth', 'noauth sizelimit'],
  ['portico.ini', 'port = 8775', 'port = 8776'],
];

const { folder: base } = emptyProject({});
const compute = join(base, 'compute');
copySample(compute);
const stateOf = (folder: string) => stateFrom({ label: folder, folder, args: [] }, 'k');
checkEdits(
  { 'the last version': SAMPLE.slice(0, 1), 'all others': SAMPLE.slice(1) },
  compute,
  stateOf,
  'cli/plan-sample.txt',
);
