/** Options of the filter `audit`, under the names that keystonemiddleware.audit has. */
import { boolean, defineOptions, list, oneOf, path, string } from 'portico/config';

export const GROUP = 'audit_middleware_notifications';

/** Options of its section in a paste file, or of the group. */
export const auditOptions = defineOptions(
  GROUP,
  {
    audit_map_file: path({
      help: 'File that says what paths mean: api_audit_map.conf. Without one, the target of every event is unknown.',
    }),
    ignore_req_list: list({ default: [], help: 'Methods of requests without events: GET, HEAD.' }),
    service_name: string({ help: 'Publisher of the notifications. Default: the name of the API.' }),
    use_oslo_messaging: boolean({
      help: 'Emit events as notifications. If false, they are lines of the log. Default: true if [rpc] transport_url reaches other processes.',
    }),
    driver: oneOf(['messagingv2', 'messaging', 'log', 'noop'], {
      help: 'log: events are lines of the log. noop: there are none. The others: notifications, in the form of [oslo_messaging_notifications] driver.',
    }),
    topics: list({ help: 'Topics of the notifications. Default: [oslo_messaging_notifications] topics.' }),
  },
  { unused: { transport_url: 'Write the URL as [oslo_messaging_notifications] transport_url.' } },
);
