/** The manager of the service `images`: other services call its methods. */
export class Images {
  async resize({ userId }, { id, to }) {
    if (id !== 'a') throw new NoImage(`there is no image ${id}`);
    return { id, size: to, by: userId, pid: process.pid };
  }
}

export class NoImage extends Error {}
