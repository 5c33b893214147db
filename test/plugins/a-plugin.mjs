/** A plugin that is passed as the promise of its module. */
// biome-ignore lint/style/noDefaultExport: Fastify takes the default export of a module.
export default async function plugin(instance) {
  instance.get('/from-module', async () => ({ from: 'module' }));
}
