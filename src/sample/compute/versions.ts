/** The version documents, which clients read before anything else. They are the same in every worker. */
import type { AppFactory } from 'portico/app';
import { documentApp, versionDocument } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';

/** The compute API's microversions. Clients ask for what they find here, so the maximum is one that is kept. */
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

/** `[app:…]` for `/`: the one version there is. */
export const versions: AppFactory = () => {
  const show = (request: ActionRequest) => {
    const self = { rel: 'self', href: `${request.url('root')}v2.1/` };
    return { versions: [documentOf([self])] };
  };
  return documentApp(show, { faultStyle: 'openstack' });
};

/** `[app:…]` for `/v2.1` and `/v2.1/`. */
export const version: AppFactory = () => {
  const show = (request: ActionRequest) => {
    const self = { rel: 'self', href: request.url('root') };
    const documentation = { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' };
    const mediaType = { base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' };
    return { version: { ...documentOf([self, documentation]), 'media-types': [mediaType] } };
  };
  return documentApp(show, { faultStyle: 'openstack', versions: VERSIONS });
};
