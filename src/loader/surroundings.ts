/**
 * What a load works with, and who may watch it.
 */
import type { PasteDocument, PasteSection } from '../ini/index.js';
import type { Context } from './context.js';
import type { ReadFile } from './document.js';
import type { FactoryQueue } from './factory-queue.js';
import type { Usage } from './limits.js';
import type { Setting, Source } from './source.js';

/** What a load reads from. */
export interface LoadSurroundings {
  readonly readFile: ReadFile;
  /** How messages call a file, by its absolute path. */
  readonly nameOf: (path: string) => string;
  /** Parsed files of this load by path: each is read once. */
  readonly documents: Map<string, PasteDocument>;
  readonly usage: Usage;
  readonly queue: FactoryQueue;
  readonly observer?: LoadObserver | undefined;
}

/** Watches a load, and lets it go on after mistakes: what is wrong is then reported here instead of thrown. */
export interface LoadObserver {
  /** A mistake. Something that stands for what it concerns takes its place in the tree. */
  mistake(error: unknown): void;
  /** A file was opened; once for each reference to it. */
  opened(source: Source): void;
  /** A section is being read. */
  entered(source: Source, section: PasteSection): void;
  /** A section put its options into what it uses. */
  used(localConf: ReadonlyMap<string, Setting>, context: Context): void;
  /** A context with a factory was made, or a pipeline. */
  made(context: Context): void;
}
