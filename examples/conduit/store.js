// Users, articles and comments in PostgreSQL. `reader` is the id of the user who asks, or null.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import pg from 'pg';

const derive = promisify(scrypt);

export class NotFound extends Error {
  message = 'not found';
}

export class NotYours extends Error {
  message = 'belongs to another user';
}

/** Another user has that name or address. */
export class Taken extends Error {
  message = 'has already been taken';

  constructor(field, options) {
    super(undefined, options);
    this.field = field;
  }
}

const PROFILE = `json_build_object('username', u.username, 'bio', u.bio, 'image', u.image,
  'following', EXISTS (SELECT FROM follows WHERE follower = $1 AND followed = u.id)) AS author`;

const ARTICLE = `SELECT a.slug, a.title, a.description, a.tags AS "tagList", a.created_at AS "createdAt", a.updated_at AS "updatedAt",
  EXISTS (SELECT FROM favorites WHERE article = a.id AND reader = $1) AS favorited,
  (SELECT count(*)::int FROM favorites WHERE article = a.id) AS "favoritesCount", ${PROFILE}`;

const COMMENT = `SELECT c.id, c.created_at AS "createdAt", c.updated_at AS "updatedAt", c.body, ${PROFILE}
  FROM comments c JOIN users u ON u.id = c.author`;

const FILTERS = {
  tag: (n) => `$${n} = ANY (a.tags)`,
  author: (n) => `u.username = $${n}`,
  favorited: (n) =>
    `a.id IN (SELECT article FROM favorites f JOIN users r ON r.id = f.reader WHERE r.username = $${n})`,
  feedOf: (n) => `a.author IN (SELECT followed FROM follows WHERE follower = $${n})`,
};

export class Store {
  #pool;

  constructor(connectionString) {
    this.#pool = new pg.Pool({ connectionString });
    // A connection that breaks while nothing uses it: the pool opens another.
    this.#pool.on('error', () => undefined);
  }

  close() {
    return this.#pool.end();
  }

  async addUser({ username, email, password }) {
    const hash = await hashed(password);
    return this.#one('INSERT INTO users (username, email, password) VALUES ($1, $2, $3) RETURNING *', [
      username,
      email,
      hash,
    ]);
  }

  /** The user with that email and password, or null. */
  async login({ email, password }) {
    const [user] = await this.#all('SELECT * FROM users WHERE email = $1', [email]);
    return user !== undefined && (await matches(password, user.password)) ? user : null;
  }

  user(id) {
    return this.#one('SELECT * FROM users WHERE id = $1', [id]);
  }

  async updateUser(id, { password, ...changes }) {
    const values = { ...changes, ...(password && { password: await hashed(password) }) };
    return this.#update('users', values, 'id = $1 RETURNING *', [id]);
  }

  async profile(reader, username) {
    const { author } = await this.#one(`SELECT ${PROFILE} FROM users u WHERE username = $2`, [reader, username]);
    return author;
  }

  async follow(reader, username) {
    const add = 'INSERT INTO follows SELECT $1, id FROM users WHERE username = $2 ON CONFLICT DO NOTHING';
    await this.#all(add, [reader, username]);
    return this.profile(reader, username);
  }

  async unfollow(reader, username) {
    const remove = 'DELETE FROM follows WHERE follower = $1 AND followed = (SELECT id FROM users WHERE username = $2)';
    await this.#all(remove, [reader, username]);
    return this.profile(reader, username);
  }

  /** A page of the newest articles that all conditions hold for, and how many there are. */
  async articles(reader, { limit = 20, offset = 0, ...wanted }) {
    const values = [reader];
    const conditions = Object.entries(wanted).map(([name, value]) => FILTERS[name](values.push(value)));
    const from = `FROM articles a JOIN users u ON u.id = a.author ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}`;
    const page = `ORDER BY a.created_at DESC, a.id DESC LIMIT $${values.length + 1} OFFSET $${values.length + 2}`;
    const rows = await this.#all(`${ARTICLE}, count(*) OVER ()::int AS total ${from} ${page}`, [
      ...values,
      limit,
      offset,
    ]);
    const articlesCount = rows[0]?.total ?? (offset === 0 ? 0 : await this.#count(from, values));
    return { articles: rows.map(({ total: _total, ...article }) => article), articlesCount };
  }

  article(reader, slug) {
    return this.#one(`${ARTICLE}, a.body FROM articles a JOIN users u ON u.id = a.author WHERE a.slug = $2`, [
      reader,
      slug,
    ]);
  }

  async addArticle(author, { title, description, body, tagList = [] }) {
    const add = `INSERT INTO articles (author, slug, title, description, body, tags) VALUES ($1, $2, $3, $4, $5, $6)`;
    const slug = slugOf(title);
    await this.#all(add, [author, slug, title, description, body, tagList.toSorted()]);
    return this.article(author, slug);
  }

  async updateArticle(reader, slug, changes) {
    await this.#own('articles', reader, 'slug = $1', [slug]);
    const values = { ...changes, ...(changes.title && { slug: slugOf(changes.title) }), updated_at: new Date() };
    const article = await this.#update('articles', values, 'slug = $1 RETURNING slug', [slug]);
    return this.article(reader, article.slug);
  }

  async deleteArticle(reader, slug) {
    await this.#own('articles', reader, 'slug = $1', [slug]);
    await this.#all('DELETE FROM articles WHERE slug = $1', [slug]);
  }

  async favorite(reader, slug) {
    const add =
      'INSERT INTO favorites (reader, article) SELECT $1, id FROM articles WHERE slug = $2 ON CONFLICT DO NOTHING';
    await this.#all(add, [reader, slug]);
    return this.article(reader, slug);
  }

  async unfavorite(reader, slug) {
    const remove = 'DELETE FROM favorites WHERE reader = $1 AND article = (SELECT id FROM articles WHERE slug = $2)';
    await this.#all(remove, [reader, slug]);
    return this.article(reader, slug);
  }

  async comments(reader, slug) {
    const { id } = await this.#one('SELECT id FROM articles WHERE slug = $1', [slug]);
    return this.#all(`${COMMENT} WHERE c.article = $2 ORDER BY c.id`, [reader, id]);
  }

  async addComment(author, slug, body) {
    const add =
      'INSERT INTO comments (author, article, body) SELECT $1, id, $3 FROM articles WHERE slug = $2 RETURNING id';
    const { id } = await this.#one(add, [author, slug, body]);
    return this.#one(`${COMMENT} WHERE c.id = $2`, [author, id]);
  }

  async deleteComment(reader, slug, id) {
    const condition = 'id = $1 AND article = (SELECT id FROM articles WHERE slug = $2)';
    await this.#own('comments', reader, condition, [id, slug]);
    await this.#all('DELETE FROM comments WHERE id = $1', [id]);
  }

  async tags() {
    const rows = await this.#all('SELECT DISTINCT unnest(tags) AS tag FROM articles ORDER BY tag', []);
    return rows.map(({ tag }) => tag);
  }

  async #count(from, values) {
    // The reader has no place in these conditions, but keeps its number.
    const { total } = await this.#one(`SELECT count(*)::int AS total, $1::int AS reader ${from}`, values);
    return total;
  }

  /** Throws unless the row is the reader's. */
  async #own(table, reader, condition, values) {
    const { author } = await this.#one(`SELECT author FROM ${table} WHERE ${condition}`, values);
    if (author !== reader) throw new NotYours();
  }

  #update(table, changes, condition, values) {
    const all = [...values];
    const set = Object.entries(changes).map(([name, value]) => `${name} = $${all.push(value)}`);
    if (set.length === 0) set.push('id = id');
    return this.#one(`UPDATE ${table} SET ${set.join(', ')} WHERE ${condition}`, all);
  }

  async #one(sql, values) {
    const [row] = await this.#all(sql, values);
    if (row === undefined) throw new NotFound();
    return row;
  }

  /** Statements are prepared once for each connection: their text is their name. */
  async #all(text, values) {
    try {
      return (await this.#pool.query({ text, values, name: nameOf(text) })).rows;
    } catch (error) {
      if (error.code !== '23505') throw error;
      throw new Taken(/\((\w+)\)/.exec(error.detail)?.[1] ?? 'name', { cause: error });
    }
  }
}

const names = new Map();

function nameOf(text) {
  const name = names.get(text) ?? `s${names.size}`;
  names.set(text, name);
  return name;
}

async function hashed(password) {
  const salt = randomBytes(16);
  return `${salt.toString('base64')}:${(await derive(password, salt, 32)).toString('base64')}`;
}

async function matches(password, hash) {
  const [salt, key] = hash.split(':').map((part) => Buffer.from(part, 'base64'));
  return timingSafeEqual(await derive(password, salt, key.length), key);
}

function slugOf(title) {
  const words = title.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...words, randomBytes(3).toString('hex')].join('-');
}
