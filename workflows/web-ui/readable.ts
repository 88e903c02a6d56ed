/** As a value where that shows the same; as text where a number would lose digits, or where it is no JSON. */
export function readable(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? value : text;
  } catch {
    return text;
  }
}
