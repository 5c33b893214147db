import { type ActionRequest, type AppFactory, action, Fault, Router } from 'portico';

interface Book {
  id: string;
  title: string;
  year: number;
}

const newBook = {
  type: 'object',
  required: ['title', 'year'],
  additionalProperties: false,
  properties: { title: { type: 'string', minLength: 1 }, year: { type: 'integer' } },
} as const;

const page = {
  type: 'object',
  properties: { limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 }, marker: { type: 'string' } },
} as const;

class Books {
  readonly #books = new Map<string, Book>();
  #last = 0;

  index = action({ query: page }, ({ query }) => {
    const all = [...this.#books.values()];
    const from = all.findIndex(({ id }) => id === query.marker) + 1;
    return { books: all.slice(from, from + query.limit) };
  });

  create = action({ body: newBook, status: 201 }, ({ body }) => {
    const book = { id: String(++this.#last), ...body };
    this.#books.set(book.id, book);
    return book;
  });

  show(_request: ActionRequest, { id }: { id: string }) {
    return this.#book(id);
  }

  delete(_request: ActionRequest, { id }: { id: string }) {
    this.#books.delete(this.#book(id).id);
  }

  #book(id: string): Book {
    const book = this.#books.get(id);
    if (book === undefined) throw new Fault(404, { message: `There is no book ${id}.` });
    return book;
  }
}

export const app: AppFactory = async (_globalConf, _localConf, ctx) => {
  const router = new Router({ controllers: { books: Books }, log: ctx.log });
  router.resource('book', 'books', { only: ['index', 'create', 'show', 'delete'], formatted: false });
  return router.build();
};
