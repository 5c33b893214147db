/** Options of rules: `[oslo_policy]`, under the names that oslo.policy has. */
import { boolean, defineOptions, duration, multi, oneOf, path, string } from 'portico/config';

/** `[oslo_policy]`. */
export const policyOptions = defineOptions('oslo_policy', {
  policy_file: string({
    default: 'policy.yaml',
    aliases: ['DEFAULT.policy_file'],
    help: 'File of rules, in YAML or JSON, which replace those of the application. A relative name is searched beside the configuration files. Without this option policy.json is used if there is no policy.yaml.',
  }),
  policy_dirs: multi({
    default: ['policy.d'],
    aliases: ['DEFAULT.policy_dirs'],
    help: 'Directories whose files replace further rules, in the order of their names. One directory in each line. Directories that do not exist are ignored.',
  }),
  policy_default_rule: string({
    default: 'default',
    aliases: ['DEFAULT.policy_default_rule'],
    help: 'Rule for names that have none. If it has no rule either, they are denied.',
  }),
  enforce_scope: boolean({
    default: false,
    help: 'Refuse tokens of another scope than a rule is for. If false, they are logged as a warning.',
  }),
  enforce_new_defaults: boolean({
    default: false,
    help: 'Apply only the new rule where an application has replaced one. If false, what the old rule allows is allowed too.',
  }),
  remote_content_type: oneOf(['application/x-www-form-urlencoded', 'application/json'], {
    default: 'application/x-www-form-urlencoded',
    help: 'Content type of the request that an http: check sends.',
    advanced: true,
  }),
  remote_timeout: duration({ default: 60, min: 0.001, help: 'Seconds until an http: check gives up.', advanced: true }),
  remote_ssl_verify_server_crt: boolean({
    default: true,
    help: 'Verify the certificate of the server of an https: check.',
    advanced: true,
  }),
  remote_ssl_ca_crt_file: path({
    help: 'CA certificates for the server of an https: check. Default: those of Node.js.',
    advanced: true,
  }),
  remote_ssl_client_crt_file: path({ help: 'Client certificate for https: checks.', advanced: true }),
  remote_ssl_client_key_file: path({ help: 'Private key of the client certificate.', advanced: true }),
});
