/** What the routes of the pages load. */
export { apiPage, apisPage } from './api-page.js';
export { stagesOf } from './stages.js';
export { statusPage } from './status-page.js';
