// The example's Conduit on plain Fastify: the same store and schemas, tokens by node:crypto, and the filters request_id and request_log
// of the example's pipeline as hooks.
//   node conduit-fastify.mjs <folder of the example> <port> <database> <key>
import { pathToFileURL } from 'node:url';
import Fastify from 'fastify';
import { signToken, tokenUser } from './conduit-tokens.mjs';
import { giveIds, logRequests } from './fastify-filters.mjs';
import { newRequestId } from './seven-filters.mjs';

const [, , folder, port, database, key] = process.argv;
const part = (name) => import(pathToFileURL(`${folder}/${name}.js`).href);
const [{ Store }, schemas] = await Promise.all(['store', 'schemas'].map(part));

const store = new Store(database);
const app = Fastify({ genReqId: newRequestId });
app.decorateRequest('reader', null);
giveIds(app);
logRequests(app);

const authentication = (isOptional) => async (request, reply) => {
  const user = tokenUser(request.headers, key);
  if (user === null || (user === undefined && !isOptional)) {
    return reply.code(401).send({ errors: { credentials: [user === null ? 'are not valid' : 'are missing'] } });
  }
  request.reader = user === undefined ? null : Number(user);
};
const known = { onRequest: authentication(false) };
const anyone = { onRequest: authentication(true) };
const shown = ({ id, email, username, bio, image }) => ({
  user: { email, token: signToken(id, key), username, bio, image },
});

app.post('/api/users/login', { schema: { body: schemas.credentials } }, async ({ body }, reply) => {
  const user = await store.login(body.user);
  if (user !== null) return shown(user);
  return reply.code(401).send({ errors: { credentials: ['Email or password is wrong.'] } });
});
app.get('/api/user', known, async ({ reader }) => shown(await store.user(reader)));
app.get('/api/articles', { ...anyone, schema: { querystring: schemas.articlesPage } }, ({ reader, query }) =>
  store.articles(reader, query),
);

await app.listen({ port: Number(port), host: '127.0.0.1' });
