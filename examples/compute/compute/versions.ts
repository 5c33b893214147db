/** The version documents, which clients read before they send other requests. They are the same in all workers. */
import type { AppFactory } from 'portico/app';
import { documentApp, versionDocument } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';

/** The microversions of the compute API. Clients choose one from this range, so the API must implement the maximum. */
export const VERSIONS = {
  serviceType: 'compute',
  min: '2.1',
  max: '2.79',
  legacyHeader: 'X-OpenStack-Nova-API-Version',
} as const;

interface Link {
  readonly rel: string;
  readonly type?: string;
  readonly href: string;
}

function documentOf(links: readonly Link[]) {
  return versionDocument(VERSIONS, { id: 'v2.1', updated: '2013-07-23T11:33:21Z', links });
}

/** The factory for the `[app:…]` section of `/`: a list with the only version. */
export const versions: AppFactory = () => {
  const show = (request: ActionRequest) => {
    const self = { rel: 'self', href: `${request.url('root')}v2.1/` };
    return { versions: [documentOf([self])] };
  };
  return documentApp(show, { faultStyle: 'openstack' });
};

/** The factory for the `[app:…]` section of `/v2.1` and `/v2.1/`: the document of this version. */
export const version: AppFactory = () => {
  const show = (request: ActionRequest) => {
    const self = { rel: 'self', href: request.url('root') };
    const documentation = { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' };
    const mediaType = { base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' };
    return { version: { ...documentOf([self, documentation]), 'media-types': [mediaType] } };
  };
  return documentApp(show, { faultStyle: 'openstack', versions: VERSIONS });
};
