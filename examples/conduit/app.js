// The HTTP layer of Conduit, as RealWorld describes it.
import { appFactory, defineOptions, Fault, Router, signToken, string } from 'portico';
import * as schemas from './schemas.js';
import { NotFound, NotYours, Store, Taken } from './store.js';

const options = defineOptions({
  database: string({ required: true, secret: true, help: 'The connection to PostgreSQL.' }),
});

export const app = appFactory('conduit', options, async ({ database }, ctx) => {
  const store = new Store(database);
  ctx.onClose(() => store.close());

  /** The id of the user who asks; null for one who is not known. */
  const readerOf = ({ environ }) => (environ.identity === undefined ? null : Number(environ.identity.userId));
  const shown = ({ id, email, username, bio, image }) => {
    const token = signToken({ sub: String(id) }, { config: ctx.config, expiresIn: 86_400 });
    return { user: { email, token, username, bio, image } };
  };

  const router = new Router({
    prefix: '/api',
    log: ctx.log,
    auth: true,
    faults: [
      [NotFound, 404],
      [NotYours, 403],
      [Taken, 422],
    ],
  });
  const anyone = { auth: false };

  router.post('/users/login', { ...anyone, body: schemas.credentials }, async ({ body }) => {
    const user = await store.login(body.user);
    if (user === null) throw new Fault(401, { message: 'Email or password is wrong.' });
    return shown(user);
  });
  router.post('/users', { ...anyone, body: schemas.newUser, status: 201 }, async ({ body }) =>
    shown(await store.addUser(body.user)),
  );
  router.get('/user', async (request) => shown(await store.user(readerOf(request))));
  router.put('/user', { body: schemas.userChanges }, async (request) =>
    shown(await store.updateUser(readerOf(request), request.body.user)),
  );

  const profile = (find) => async (request) => ({ profile: await find(readerOf(request), request.params.username) });
  router.get(
    '/profiles/{username}',
    anyone,
    profile((reader, name) => store.profile(reader, name)),
  );
  router.post(
    '/profiles/{username}/follow',
    profile((reader, name) => store.follow(reader, name)),
  );
  router.delete(
    '/profiles/{username}/follow',
    profile((reader, name) => store.unfollow(reader, name)),
  );

  router.get('/articles', { ...anyone, query: schemas.articlesPage }, (request) =>
    store.articles(readerOf(request), request.query),
  );
  router.get('/articles/feed', { query: schemas.feedPage }, (request) =>
    store.articles(readerOf(request), { ...request.query, feedOf: readerOf(request) }),
  );
  router.post('/articles', { body: schemas.newArticle, status: 201 }, async (request) => ({
    article: await store.addArticle(readerOf(request), request.body.article),
  }));

  const article = (find) => async (request) => ({ article: await find(readerOf(request), request.params.slug) });
  router.get(
    '/articles/{slug}',
    anyone,
    article((reader, slug) => store.article(reader, slug)),
  );
  router.put('/articles/{slug}', { body: schemas.articleChanges }, async (request) => ({
    article: await store.updateArticle(readerOf(request), request.params.slug, request.body.article),
  }));
  router.delete('/articles/{slug}', (request) => store.deleteArticle(readerOf(request), request.params.slug));
  router.post(
    '/articles/{slug}/favorite',
    article((reader, slug) => store.favorite(reader, slug)),
  );
  router.delete(
    '/articles/{slug}/favorite',
    article((reader, slug) => store.unfavorite(reader, slug)),
  );

  router.get('/articles/{slug}/comments', anyone, async (request) => ({
    comments: await store.comments(readerOf(request), request.params.slug),
  }));
  router.post('/articles/{slug}/comments', { body: schemas.newComment }, async (request) => ({
    comment: await store.addComment(readerOf(request), request.params.slug, request.body.comment.body),
  }));
  router.delete('/articles/{slug}/comments/{id:int32}', (request) =>
    store.deleteComment(readerOf(request), request.params.slug, request.params.id),
  );
  router.get('/tags', anyone, async () => ({ tags: await store.tags() }));

  return router.build();
});
