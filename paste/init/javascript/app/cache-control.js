/** A filter: adds `Cache-Control: max-age` to responses to GET. */
import { beforeHead, defineOptions, filterFactory, integer } from 'portico';

const options = defineOptions({
  max_age: integer({ default: 0, min: 0, help: 'For how many seconds a response may be cached.' }),
});

/** Named in api-paste.ini. The options of its section are checked before anything is served. */
export const cacheControl = filterFactory('cache_control', options, ({ maxAge }) => (app) => (req, res) => {
  beforeHead(res, () => {
    if (req.method === 'GET' && res.statusCode === 200) res.setHeader('cache-control', `private, max-age=${maxAge}`);
  });
  return app(req, res);
});
