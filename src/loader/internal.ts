/** What other directories of Portico use of this one beside what is published. */
export { aliasBlock } from './check/finding.js';
export { pipelineNamed } from './composite/by-option.js';
export { tellsChildren } from './composite/children.js';
export { type ExplainedStep, explainRequest } from './explain.js';
export { isPasteSection } from './section.js';
