/** A text in a pattern of `like`, where some letters would stand for more than themselves. */
export const literally = (text: string): string => text.replace(/[\\%_]/g, String.raw`\$&`);
