/** How well a palette entry fits what was typed: every word must occur in it; 0 hides it. */
export function paletteScore(search: string, title: string, more: string): number {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const [name, all] = [title.toLowerCase(), `${title} ${more}`.toLowerCase()];
  if (!words.every((w) => all.includes(w))) return 0;
  if (name.startsWith(words[0] ?? '')) return 1;
  return words.every((w) => name.includes(w)) ? 0.8 : 0.4;
}
