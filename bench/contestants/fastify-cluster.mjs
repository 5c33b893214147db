// Bare Fastify in one worker of node:cluster, as in its manual.
import cluster from 'node:cluster';

if (cluster.isPrimary) cluster.fork();
else await import('./fastify.mjs');
