// What clients send.
const text = { type: 'string', minLength: 1 };
const email = { type: 'string', format: 'email' };
const either = { anyOf: [{ type: 'string' }, { type: 'null' }] };

/** `{ [name]: { … } }`, as each body of the API is. */
const body = (name, properties, required = []) => ({
  type: 'object',
  required: [name],
  properties: { [name]: { type: 'object', required, properties, additionalProperties: false } },
});

const page = { limit: { type: 'integer', minimum: 0, maximum: 100 }, offset: { type: 'integer', minimum: 0 } };
const article = { title: text, description: text, body: text };

export const credentials = body('user', { email: text, password: text }, ['email', 'password']);
export const newUser = body('user', { username: text, email, password: text }, ['username', 'email', 'password']);
export const userChanges = body('user', { username: text, email, password: text, bio: either, image: either });
export const newArticle = body(
  'article',
  { ...article, tagList: { type: 'array', items: text, uniqueItems: true } },
  Object.keys(article),
);
export const articleChanges = body('article', article);
export const newComment = body('comment', { body: text }, ['body']);
export const feedPage = { type: 'object', properties: page, additionalProperties: false };
export const articlesPage = { ...feedPage, properties: { ...page, tag: text, author: text, favorited: text } };
