/** Images: a fixed set, for clients that have one endpoint for everything. Gone from 2.36 on, as in nova. */
import { isoTime } from '../names.js';
import type { Image } from '../records.js';
import { type Call, reads, refuse } from './call.js';
import { type View, view } from './fields.js';
import { page } from './pages.js';

const ROUTE = '/images/{id}';
const fixed = { status: 'ACTIVE', progress: 100, minRam: 0, minDisk: 0, metadata: {} };
const all = (image: Image, call: Call) => {
  const alternate = { rel: 'alternate', type: 'application/vnd.openstack.image', href: call.bookmark(ROUTE, image) };
  const created = isoTime(image.createdAt);
  return { ...fixed, links: [...call.links(ROUTE, image), alternate], created, updated: created };
};
const briefView = view('id name links', all);
const imageView = view(
  'id name links status progress minRam minDisk metadata created updated OS-EXT-IMG-SIZE:size',
  all,
);

/** Clients look images up by `name`. */
function listed(call: Call, show: View<Image>): object {
  const found = call.cloud.images.list().filter(({ name }) => name === (call.query('name') ?? name));
  return page(call, 'images', found, show, 'id');
}

export class Images {
  readonly index = reads({ to: '2.35' }, (call) => listed(call, briefView));
  readonly detail = reads({ to: '2.35' }, (call) => listed(call, imageView));
  readonly show = reads({ to: '2.35' }, (call) => {
    return { image: imageView(call.cloud.images.get(call.args.id!) ?? refuse(404, 'Image not found.'), call) };
  });
}
