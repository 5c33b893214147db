/** What else belongs to a server: its history, and parts that are always empty here. */
import type { ActionRequest, Args } from 'portico/routing';
import type { Action } from '../../records.js';
import type { ComputeApi } from '../api.js';
import { findServer } from './stored-servers.js';

export class ServerParts {
  readonly #api: ComputeApi;

  constructor(api: ComputeApi) {
    this.#api = api;
  }

  ips(request: ActionRequest, { server_id }: Args) {
    this.#refuseUnknown(request, server_id);
    return { addresses: {} };
  }

  interfaces(request: ActionRequest, { server_id }: Args) {
    this.#refuseUnknown(request, server_id);
    return { interfaceAttachments: [] };
  }

  volumes(request: ActionRequest, { server_id }: Args) {
    this.#refuseUnknown(request, server_id);
    return { volumeAttachments: [] };
  }

  securityGroups(request: ActionRequest, { server_id }: Args) {
    this.#refuseUnknown(request, server_id);
    return { security_groups: [] };
  }

  /** The newest first. */
  actions(request: ActionRequest, { server_id }: Args) {
    const { cloud } = this.#api;
    const actions = cloud.read(() => cloud.actions.list(findServer(cloud, request, server_id).id));
    return { instanceActions: actions.toReversed().map((action) => actionView(request, action)) };
  }

  #refuseUnknown(request: ActionRequest, serverId: unknown): void {
    const { cloud } = this.#api;
    cloud.read(() => findServer(cloud, request, serverId));
  }
}

function actionView({ apiVersion }: ActionRequest, record: Action): object {
  const { action, instance_uuid, request_id, user_id, project_id, start_time } = record;
  const view = { action, instance_uuid, request_id, user_id, project_id, message: null, start_time };
  return apiVersion.atLeast('2.58') ? { ...view, updated_at: start_time } : view;
}
