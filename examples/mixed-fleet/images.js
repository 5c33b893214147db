/** The same service, in Node: it takes calls for the same topic, and the two share them. */
const sizes = { a: 7 };

export class Images {
  target = { version: '1.1' };

  async show({ userId }, { id }) {
    if (!Object.hasOwn(sizes, id)) {
      throw Object.assign(new NotFound(`there is no image ${id}`), { kwargs: { id } });
    }
    return { id, size: sizes[id], by: userId, in: 'Node' };
  }
}

export class NotFound extends Error {
  /** What callers in Python know it by. */
  static remoteName = 'image_errors.NotFound';
}
