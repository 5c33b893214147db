/**
 * Message for a wrong command line.
 */

/** Returns the error in a command line; for what may be meant for the configuration, with the way to write it. */
export function usageText({ code, message }: { code: string; message: string }, words: readonly string[]): string {
  const file =
    code === 'commander.excessArguments' ? words.find((word) => /\.(?:ini|conf|cfg)$/.test(word)) : undefined;
  if (file !== undefined) return `${message}\n  To pass a configuration file, write --config-file ${file}.`;
  // A similar option of the command line is more likely to be intended than one of the configuration.
  return code === 'commander.unknownOption' && !message.includes('Did you mean')
    ? `${message}\n  Options of the configuration are set with --set group.option=value.`
    : message;
}
