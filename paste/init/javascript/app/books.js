/** The books API: its routes, and the controller behind them. */
import { action, Fault, Router } from 'portico';

/** The body of POST /books, in JSON Schema. A body that does not fit gets 400, with the name of the member. */
const newBook = {
  type: 'object',
  required: ['title'],
  properties: { title: { type: 'string', minLength: 1 }, year: { type: 'integer' } },
  additionalProperties: false,
};

/** Keeps the books in memory, until the process ends. */
class Books {
  #books = [{ id: '1', title: 'Emma', year: 1815 }];

  index() {
    return { books: this.#books };
  }

  show({ params }) {
    const book = this.#books.find((each) => each.id === params.id);
    if (book === undefined) throw new Fault(404, { message: `There is no book ${params.id}.` });
    return { book };
  }

  create = action({ body: newBook, status: 201 }, ({ body }) => {
    const book = { id: String(this.#books.length + 1), ...body };
    this.#books.push(book);
    return { book };
  });
}

/** Named in api-paste.ini. */
export const app = (_globalConf, _localConf, ctx) => {
  const router = new Router({ controllers: { books: Books }, log: ctx.log });
  router.resource('book', 'books', { only: ['index', 'create', 'show'], formatted: false });
  return router.build();
};
