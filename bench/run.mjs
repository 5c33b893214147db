// npm run bench

import { makeCertificate } from './measure/certificate.mjs';
import { installContestants } from './measure/install.mjs';
import { LoadProcess } from './measure/load-process.mjs';
import { measureWork } from './parts/works.mjs';
import { WORKS } from './works/works.mjs';

const words = process.argv.slice(2);
const rounds = words.includes('--rounds') ? Number(words[words.indexOf('--rounds') + 1]) : 9;
const only = words.includes('--only') ? words[words.indexOf('--only') + 1].split(',') : undefined;
const selected = words.filter((word) => word in WORKS);
installContestants(console.log);
const certificate = await makeCertificate();
const load = new LoadProcess();
for (const name of selected.length > 0 ? selected : Object.keys(WORKS)) {
  const { rows, problems } = await measureWork(name, { rounds, scale: 1, load, certificate, say: console.log });
  for (const { label, micros, ratio } of rows) {
    const portico = ratio.portico === undefined ? '' : (1 / ratio.portico.median).toFixed(3);
    console.log(name, label.padEnd(24), micros.median.toFixed(2), `portico/this ${portico}`);
  }
  for (const problem of problems) console.log('PROBLEM', problem);
}
load.close();
certificate.remove();
