/** What a copy is called where nobody says it: as long as a name and a slug may be. */
export const copyNames = (source: { name: string; slug: string }) => ({
  name: fitting(source.name, " (copy)", 255),
  slug: fitting(source.slug, "-copy", 128),
});

const fitting = (text: string, end: string, max: number): string =>
  text.slice(0, max - end.length).replace(/\p{Cs}$/u, "") + end;
