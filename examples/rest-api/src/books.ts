import { type ActionRequest, type AppFactory, action, Fault, Router } from 'portico';
import { sharedDatabase, sqliteConnection } from 'portico/app';
import { defineOptions } from 'portico/config';
import { openDatabase } from 'portico/sqlite';

const newBook = {
  type: 'object',
  required: ['title', 'year'],
  additionalProperties: false,
  properties: { title: { type: 'string', minLength: 1 }, year: { type: 'integer' } },
} as const;

const page = {
  type: 'object',
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
    marker: { type: 'integer', minimum: 0, default: 0 },
  },
} as const;

const TABLE = `CREATE TABLE IF NOT EXISTS books (
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, year INTEGER NOT NULL
)`;

/** The file of `[books] connection`, which all workers open: one connection for each worker. */
const storeOf = sharedDatabase({
  group: 'books',
  options: defineOptions('books', { connection: sqliteConnection({ default: 'sqlite:///books.db' }) }),
  open: (path) => {
    const database = openDatabase(path);
    database.exec(TABLE);
    return {
      add: database.prepare('INSERT INTO books (title, year) VALUES (?, ?) RETURNING *'),
      after: database.prepare('SELECT * FROM books WHERE id > ? ORDER BY id LIMIT ?'),
      byId: database.prepare('SELECT * FROM books WHERE id = ?'),
      remove: database.prepare('DELETE FROM books WHERE id = ? RETURNING *'),
      close: () => database.close(),
    };
  },
});

class Books {
  readonly #store: ReturnType<typeof storeOf>;

  constructor(store: ReturnType<typeof storeOf>) {
    this.#store = store;
  }

  /** A page: the books after `marker`, which is the id of the last one before, and the address of the next page if there is one. */
  index = action({ query: page }, ({ query: { limit, marker } }) => {
    const found = this.#store.after.all(marker, limit + 1);
    const books = found.slice(0, limit);
    return found.length > limit ? { books, next: `/books?limit=${limit}&marker=${books.at(-1)?.id}` } : { books };
  });

  create = action({ body: newBook, status: 201 }, ({ body: { title, year } }) => this.#store.add.get(title, year));

  show(_request: ActionRequest, { id }: { id: string }) {
    return known(this.#store.byId.get(id), id);
  }

  delete(_request: ActionRequest, { id }: { id: string }) {
    known(this.#store.remove.get(id), id);
  }
}

function known<Book>(book: Book | undefined, id: string): Book {
  if (book === undefined) throw new Fault(404, { message: `There is no book ${id}.` });
  return book;
}

export const app: AppFactory = async (_globalConf, _localConf, ctx) => {
  const store = storeOf(ctx);
  const router = new Router({ controllers: { books: new Books(store) }, log: ctx.log });
  router.resource('book', 'books', { only: ['index', 'create', 'show', 'delete'], formatted: false });
  return router.build();
};
