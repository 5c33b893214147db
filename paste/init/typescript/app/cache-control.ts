/** A filter: says for how long a client may use the answer to a GET again. */
import { beforeHead, defineOptions, filterFactory, integer } from 'portico';

const options = defineOptions({
  max_age: integer({ default: 0, min: 0, help: 'For how many seconds an answer may be used again.' }),
});

/** Named in api-paste.ini. The options of its section are checked before anything is served. */
export const cacheControl = filterFactory('cache_control', options, ({ maxAge }) => (app) => (req, res) => {
  beforeHead(res, () => {
    if (req.method === 'GET' && res.statusCode === 200) res.setHeader('cache-control', `private, max-age=${maxAge}`);
  });
  return app(req, res);
});
