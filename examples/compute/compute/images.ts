/** Images: a fixed set, for clients that use one endpoint for everything. Removed in 2.36, as in nova. */
import { collectionPage, resourceLinks } from 'portico/openstack';
import { type ActionRequest, action } from 'portico/routing';
import type { Image } from '../records.js';
import { Controller, refuse } from './api.js';

const versions = ['2.1', '2.35'] as const;

export class Images extends Controller {
  readonly index = action({ versions }, (request) => this.#list(request, imageReference));

  readonly detail = action({ versions }, (request) => this.#list(request, imageView));

  readonly show = action({ versions }, (request, { id }) => {
    const image = this.cloud.read(() => this.cloud.images.get(String(id))) ?? refuse(404, 'Image not found.');
    return { image: imageView(request, image) };
  });

  /** Lists the images. The parameter `name` selects images by their exact name, because clients look them up in this way. */
  #list(request: ActionRequest, show: (request: ActionRequest, image: Image) => object): object {
    const wanted = request.queryValue('name');
    const images = this.cloud.read(() => this.cloud.images.list());
    return collectionPage(
      request,
      'images',
      images.filter(({ name }) => wanted === undefined || name === wanted),
      { show: (image) => show(request, image), maxLimit: this.settings.maxLimit },
    );
  }
}

/** An image in a list without details. */
function imageReference(request: ActionRequest, { id, name }: Image) {
  const [self, bookmark] = resourceLinks(request, 'image', { id });
  const alternate = { rel: 'alternate', type: 'application/vnd.openstack.image', href: bookmark.href };
  return { id, name, links: [self, bookmark, alternate] };
}

function imageView(request: ActionRequest, image: Image) {
  const { id, name, links } = imageReference(request, image);
  return {
    id,
    name,
    links,
    created: image.created,
    updated: image.created,
    'OS-EXT-IMG-SIZE:size': image['OS-EXT-IMG-SIZE:size'],
    status: 'ACTIVE',
    progress: 100,
    minRam: 0,
    minDisk: 0,
    metadata: {},
  };
}
