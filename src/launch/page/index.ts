/** What the route of the status page loads. */
export { POLICY } from './page-assets.js';
export { stagesOf } from './stages.js';
export { statusPage } from './status-page.js';
