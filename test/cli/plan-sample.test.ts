/** Edits of the sample, each with what `plan` says of it. */
import { join } from 'node:path';
import { after } from 'node:test';
import { stateFrom } from '../../dist/plan/state-process.js';
import { emptyProject } from '../fixtures/project.js';
import { copySample } from '../fixtures/sample.js';
import { checkTogether, type Edit } from '../plan/edits.js';
// It starts processes: the runner of the tests knows that by this import.
import '../plan/project.js';

const sample = 'sample/compute';

/** Edits of the sample. */
const SAMPLE: readonly Edit[] = [
  [
    `${sample}/versions.js`,
    "max: '2.79'",
    "max: '2.70'",
    ['versions-removed', 'routes at /v2.1', 'versions 2.1 to 2.79 -> 2.1 to 2.70'],
  ],
  [
    `${sample}/versions.js`,
    "max: '2.79'",
    "max: '2.80'",
    ['versions-added', 'routes at /v2.1', 'versions 2.1 to 2.79 -> 2.1 to 2.80'],
  ],
  [
    `${sample}/routes.js`,
    "    ['GET', '/limits', Limits, 'index'],\n",
    '',
    ['route-removed', 'GET /v2.1/limits', 'removed'],
  ],
  [
    `${sample}/routes.js`,
    "['GET', '/flavors/detail', Flavors, 'detail'],",
    "['GET', '/flavors/details', Flavors, 'detail'],",
    ['route-removed', 'GET /v2.1/flavors/detail', 'removed'],
    ['route-added', 'GET /v2.1/flavors/details', 'new'],
  ],
  [
    `${sample}/images.js`,
    "'2.35'",
    "'2.30'",
    ['route-version-removed', 'GET /v2.1/images', 'removed (from version 2.31)'],
  ],
  [
    `${sample}/key-pairs.js`,
    "closed(typed, 'name')",
    "closed(typed, 'name', 'type')",
    [
      'request-member-became-required',
      'POST /v2.1/os-keypairs',
      'body.keypair.type is required now (from version 2.2)',
    ],
  ],
  [
    `${sample}/key-pairs.js`,
    "'2.2': 201",
    "'2.2': 202",
    ['response-status-removed', 'POST /v2.1/os-keypairs', 'status 201 no longer occurs (from version 2.2)'],
    ['response-status-added', 'POST /v2.1/os-keypairs', 'status 202 is new (from version 2.2)'],
  ],
  [
    `${sample}/flavors/flavors.js`,
    "description }, 'description')",
    'description })',
    ['request-member-became-optional', 'PUT /v2.1/flavors/{id}', /body\.flavor\.description is optional now/],
  ],
  [
    `${sample}/servers/server-schemas.js`,
    'maxItems: 50',
    'maxItems: 10',
    ['request-bound-narrower', 'POST /v2.1/servers', 'body.server.tags: maxItems 50 -> 10 (from version 2.52)'],
  ],
  [
    `${sample}/schemas.js`,
    'maxLength: 60,',
    'maxLength: 50,',
    ['request-bound-narrower', 'POST /v2.1/servers', /body\.server\.tags\[\]: maxLength 60 -> 50/],
  ],
  ['api-paste.ini', 'sizelimit noauth', 'noauth sizelimit', ['filter-moved', 'pipeline compute_v21', /moves/]],
  ['portico.ini', 'port = 8775', 'port = 8776', ['address-removed', 'api metadata', /8776/]],
];

const { folder: base, remove } = emptyProject({});
after(remove);
const compute = join(base, 'compute');
copySample(compute);
const stateOf = (folder: string) => stateFrom({ label: folder, folder, args: [] }, 'k');
checkTogether('the last version', SAMPLE.slice(0, 1), compute, stateOf);
checkTogether('all others', SAMPLE.slice(1), compute, stateOf);
