// Bare node:http in four workers of node:cluster, as in its manual.
import cluster from 'node:cluster';

if (cluster.isPrimary) for (let index = 0; index < 4; index++) cluster.fork();
else await import('./node.mjs');
