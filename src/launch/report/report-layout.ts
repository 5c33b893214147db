/**
 * The look of a Guru Meditation report: banners of 72 columns over plain lines, as oslo.reports draws them.
 */
import { printable } from '../../text/index.js';

const WIDTH = 72;

/** The title of the whole report. */
export function titleBanner(title: string): string {
  return `${sectionBanner(title)}\n${'|'.repeat(WIDTH)}`;
}

/** The three lines over a section. */
export function sectionBanner(title: string): string {
  const rule = '='.repeat(WIDTH);
  return `${rule}\n====${centred(title, WIDTH - 8)}====\n${rule}`;
}

/** `key = value`, one a line. */
export function pairs(values: Readonly<Record<string, unknown>>, indent = ''): string {
  return Object.entries(values)
    .map(([key, value]) => `${indent}${key} = ${printable(String(value))}`)
    .join('\n');
}

/** As Python's `'{:^64}'`: an odd space goes to the right. */
function centred(text: string, width: number): string {
  const space = Math.max(0, width - text.length);
  const left = Math.floor(space / 2);
  return ' '.repeat(left) + text + ' '.repeat(space - left);
}
