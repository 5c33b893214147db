/**
 * The options of `[ssl]`: certificate, key, and who may connect.
 */
import { defineOptions, type OptionsOf, oneOf, path, string } from '../../config/index.js';

export const sslOptions = defineOptions({
  cert_file: path({
    help: 'Certificate of the server in PEM form, with the certificates that lead up to its root after it. A relative path is looked for beside the file that names it, then in the working directory.',
    deprecated: ['wsgi.ssl_cert_file', 'DEFAULT.ssl_cert_file'],
  }),
  key_file: path({
    help: 'Private key of the certificate in PEM form.',
    mode: 0o640,
    deprecated: ['wsgi.ssl_key_file', 'DEFAULT.ssl_key_file'],
  }),
  ca_file: path({
    help: 'Certificates that client certificates are verified with. Its presence makes a client certificate required.',
    deprecated: ['wsgi.ssl_ca_file', 'DEFAULT.ssl_ca_file'],
  }),
  min_version: oneOf(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'], {
    default: 'TLSv1.2',
    help: 'Oldest version of TLS that is spoken.',
  }),
  version: string({
    help: 'The one version to speak: TLSv1, TLSv1_1, TLSv1_2 or TLSv1_3; SSLv23 means from min_version up, the default.',
  }),
  ciphers: string({ help: 'Ciphers offered, as an OpenSSL list. Default: those with forward secrecy.' }),
  client_auth: oneOf(['none', 'optional', 'required'], {
    help: 'Whether clients show a certificate. Default: required when there is a ca_file, else none.',
  }),
});

/** What a server needs to know for TLS; what is absent has the default of `[ssl]`. */
export type TlsSettings = {
  readonly [K in keyof OptionsOf<typeof sslOptions>]?: OptionsOf<typeof sslOptions>[K] | null;
};
