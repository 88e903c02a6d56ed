/** What compiling costs whatever the pattern is, and what a Unicode class costs, in instructions of a compiled pattern (about a µs). */
const EACH = 10;
const UNICODE_CLASS = 80;
/** A repetition that may also stop earlier costs a choice and the thing itself. */
const OPTIONAL = 2;

/**
 * How many instructions a pattern compiles to, at most about twice too high, read off its text: `(?:…){1000}` of a thousand
 * characters takes half a second to compile, so it has to be known before. Looks at each character once.
 */
export const patternSize = (pattern: string): number => Math.max(...TOKENS.map((token) => sizeBy(token, pattern)));

function sizeBy(tokens: RegExp, pattern: string): number {
  // The size of each group that is open, and of the last thing in it, which a repetition multiplies.
  const open = [{ size: 0, last: 0 }];
  for (let i = 0; i < pattern.length; ) {
    const group = open.at(-1) as { size: number; last: number };
    const [token = ""] = matchAt(tokens, pattern, i) ?? [];
    i += token.length;
    if ((token.startsWith("(?") && token.endsWith(")")) || token === "\\Q\\E") {
      // Flags and an empty quotation are nothing by themselves: a repetition after them is of what stands before them.
      group.size++;
    } else if (token === "(") {
      open.push({ size: 0, last: 0 });
    } else if (token === ")" && open.length > 1) {
      open.pop();
      add(open.at(-1), group.size + 2);
    } else if (/^\{\d/.test(token)) {
      const times = timesOf(token);
      group.size += group.last * (times - 1);
      group.last *= times;
    } else if (/^[*+?]$/.test(token)) {
      group.size++;
      group.last++;
    } else {
      add(group, sizeOf(token));
    }
  }
  return EACH + open.reduce((sum, { size }) => sum + size, 0);
}

// A quotation, flags, a class, a Unicode class, an escaped character, a repetition, or any other character. Whether `[:alpha:]` is
// a class within a class, or the end of a range and of the class, depends on what is before it: both are counted.
const TOKENS = [
  /\\Q.*?(?:\\E|$)|\(\?[a-zA-Z-]+\)|\[\^?\]?(?:\\.|\[:\^?\w*:\]|[^\]\\])*\]?|\\[pP](?:\{[^}]*\}?|.)?|\\.?|\{\d+(?:,\d*)?\}|./suy,
  /\\Q.*?(?:\\E|$)|\(\?[a-zA-Z-]+\)|\[\^?\]?(?:\\.|[^\]\\])*\]?|\\[pP](?:\{[^}]*\}?|.)?|\\.?|\{\d+(?:,\d*)?\}|./suy,
];

function matchAt(token: RegExp, text: string, at: number): RegExpExecArray | null {
  token.lastIndex = at;
  return token.exec(text);
}

function add(group: { size: number; last: number } | undefined, size: number): void {
  if (!group) return;
  group.size += size;
  group.last = size;
}

function sizeOf(token: string): number {
  if (token.startsWith("\\Q")) return token.length;
  return 1 + UNICODE_CLASS * (token.match(/\\[pP]/g)?.length ?? 0) + (token.startsWith("[") ? token.length / 4 : 0);
}

function timesOf(repetition: string): number {
  const [least = 0, most] = repetition.slice(1, -1).split(",").map(Number);
  if (most === undefined) return Math.max(least, 1);
  return Math.max(least + OPTIONAL * Math.max(most - least, 1), 1);
}
