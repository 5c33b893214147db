/** Images: a fixed set, for clients that have one endpoint for everything. Gone from 2.36 on, as in nova. */
import { bookmarkUrl, resourceLinks } from 'portico/openstack';
import { type View, view } from 'portico/routing';
import type { Image } from '../records.js';
import { type Call, page, reads, refuse } from './call.js';

const linked = ({ id }: Image, call: Call) => {
  const href = bookmarkUrl(call, '/images/{id}', { id });
  const alternate = { rel: 'alternate', type: 'application/vnd.openstack.image', href };
  return { links: [...resourceLinks(call, '/images/{id}', { id }), alternate] };
};
const briefView = view('id name links', linked);
const imageView = view(
  `id name links created updated=created OS-EXT-IMG-SIZE:size
   status="ACTIVE" progress=100 minRam=0 minDisk=0 metadata={}`,
  linked,
);

/** Clients look images up by `name`. */
function listed(call: Call, show: View<Image, Call>): object {
  const wanted = call.queryValue('name');
  const found = call.cloud.images.list().filter(({ name }) => name === (wanted ?? name));
  return page(call, 'images', found, show);
}

const versions = { versions: ['2.1', '2.35'] } as const;

export class Images {
  readonly index = reads(versions, (call) => listed(call, briefView));
  readonly detail = reads(versions, (call) => listed(call, imageView));
  readonly show = reads(versions, (call) => {
    return { image: imageView(call.cloud.images.get(call.params.id!) ?? refuse(404, 'Image not found.'), call) };
  });
}
