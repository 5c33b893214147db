import { Fault, RequestContext, Router } from 'portico';
import { NoImage } from './images.js';

/** The API: it asks the service `images`, on whatever host that runs. */
export async function app(_globalConf, _localConf, ctx) {
  const rpc = await ctx.rpc();
  const images = rpc.client({ topic: 'images', allowedErrors: [NoImage] }).of();
  const router = new Router({ log: ctx.log });
  router.connect('resize', '/images/{id}/{to:int}', {
    handler: async ({ params: { id, to } }) => {
      try {
        return await images.resize(new RequestContext({ userId: 'me' }), { id, to });
      } catch (error) {
        throw error instanceof NoImage ? new Fault(404, { message: error.message }) : error;
      }
    },
  });
  return router.build();
}
