/**
 * Tools for this process: its options, working directory, first signals and exit, output, requests in flight, Portico's own files,
 * modules being loaded, and timers of any length.
 */

export { cgroupFiles, describeLimits, memoryLimit, mostWorkers, processors } from './container-limits.js';
export { firstParent, holdSignals, takeHeldSignals } from './early-signals.js';
export {
  closedFolder,
  enterBy,
  enteredFolder,
  enteredLink,
  followLink,
  inFollowedFolder,
  servedPath,
} from './entered-folder.js';
export { LONGEST_DELAY_MS, setLongTimeout } from './long-timeout.js';
export { exitLocation, isOwnFile, ownFile } from './own-files.js';
export { commandLineWords, OS_PREFIX, optionVariables, otherVariables } from './process-options.js';
export {
  changedProgramFiles,
  programPaths,
  watchLoading,
  whileLoading,
} from './program-files.js';
export { HEAD, type RequestsInHand, requestsInHand, SLOTS } from './requests-in-hand.js';
export { connectError, createWithMode, openToAppend, refuseForeignLink, removeStaleSocket } from './safe-files.js';
export { withSourceLines } from './source-lines.js';
export { returnStartMemory } from './start-memory.js';
export { unblock, unblockOutputs } from './unblocked-output.js';
export { heldTick, keepCompiledCode } from './v8.js';
