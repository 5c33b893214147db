/** What other directories of Portico use of this one beside what is published. */
export { aliasBlock } from './check/findings.js';
export { pipelineNamed } from './composite/by-option.js';
export { tellsChildren } from './composite/children.js';
export {
  describeNode,
  type ExplainApp,
  type ExplainedStep,
  type Explanation,
  explainRequest,
  type ImaginedRequest,
  UNDESCRIBED,
} from './explain.js';
export type { CreateOptions } from './load.js';
export { type MountedApp, mountedApps } from './mounted-apps.js';
export { isPasteSection } from './section.js';
