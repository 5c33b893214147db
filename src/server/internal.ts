/** What other directories of Portico use of this one beside what is published. */
export { apiOptions, enabledApisOptions, servingOptions } from './api/api-options.js';
export { noPasteFile } from './api/paste-config.js';
export { wsgiOptions } from './api/wsgi-options.js';
export { formatAddress } from './listen.js';
export { sslOptions } from './tls/ssl-options.js';
export { developmentCertificate } from './tls/tls.js';
