const { Fault } = require('portico/app');
const { Router } = require('portico/routing');

exports.app = async (_globalConf, _localConf, ctx) => {
  const router = new Router({ log: ctx.log });
  router.connect('square', '/squares/{n:int}', {
    handler: ({ params: { n } }) => {
      if (n > 1000) throw new Fault(400, { message: 'That is too much.' });
      return { n, square: n * n };
    },
  });
  return router.build();
};
