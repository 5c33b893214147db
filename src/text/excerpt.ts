/** Returns a text, or its first `most` characters and an ellipsis. */
export function excerpt(text: string, most = 80): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
