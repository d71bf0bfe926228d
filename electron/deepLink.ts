/** lpl-studio://run/<id> opens a run. */

/** The window's route for a link; undefined for anything else. */
export function routeOf(link: string | undefined): string | undefined {
  const m = /^lpl-studio:\/\/(run|dataset|compare)\/([A-Za-z0-9_-]{1,64})\/?$/.exec(link ?? '');
  return m ? `/${m[1] === 'compare' ? 'compare' : `${m[1]}s`}/${m[2]}` : undefined;
}
export const linkIn = (argv: readonly string[]): string | undefined => argv.find((a) => a.startsWith('lpl-studio://'));
