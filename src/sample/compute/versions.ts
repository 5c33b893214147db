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

const described = (self: string, ...more: { rel: string; type: string; href: string }[]) => {
  const links = [{ rel: 'self', href: self }, ...more];
  return versionDocument(VERSIONS, { id: 'v2.1', updated: '2013-07-23T11:33:21Z', links });
};
const docs = { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' };
const media = { base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' };

const shown = (call: ActionRequest) => ({ version: { ...described(call.url('root'), docs), 'media-types': [media] } });

/** `[app:…]` for `/`: the one version there is. */
export const versions: AppFactory = () =>
  documentApp((call) => ({ versions: [described(`${call.url('root')}v2.1/`)] }), { faultStyle: 'openstack' });

/** `[app:…]` for `/v2.1` and `/v2.1/`. */
export const version: AppFactory = () => documentApp(shown, { faultStyle: 'openstack', versions: VERSIONS });
