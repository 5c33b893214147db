/** A file that `@fastify/autoload` finds. */
// biome-ignore lint/style/noDefaultExport: autoload takes the default export.
export default async function things(instance) {
  instance.get('/things/:id', async ({ params }) => ({ thing: params.id }));
}
