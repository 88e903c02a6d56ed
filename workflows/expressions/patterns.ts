import { RE2JS } from "re2js";

/** A regular expression (RE2 syntax), compiled when it is used first. */
export class Pattern {
  readonly source: string;
  /** About how many instructions it compiles to, known without compiling it. */
  readonly size: number;
  #compiled: RE2JS | undefined;

  constructor(source: string) {
    this.source = source;
    this.size = sizeOf(source);
  }

  /** What is wrong with the source, or undefined. */
  problem(): string | undefined {
    try {
      this.#compile();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  isIn(text: string): boolean {
    return this.#compile().test(text);
  }

  #compile(): RE2JS {
    this.#compiled ??= RE2JS.compile(this.source);
    return this.#compiled;
  }
}

const REPEATED = /\{(\d+)(?:,(\d*))?\}/y;
const ESCAPED = /\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|Q(?:[^\\]|\\(?!E))*(?:\\E)?|.)/suy;
const CHARACTER_CLASS = /\[\^?\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\]?/suy;

/** Counts what one character, class or group stands for, times how often it is repeated. One pass, whatever the source is. */
function sizeOf(source: string): number {
  // Of the open groups: the size of what came before them.
  const before: number[] = [];
  let size = 1;
  let last = 0;
  const add = (of: number) => {
    size += of;
    last = of;
  };
  for (let at = 0; at < source.length; ) {
    const read = (token: RegExp): RegExpExecArray | null => {
      token.lastIndex = at;
      const found = token.exec(source);
      if (found) at = token.lastIndex;
      return found;
    };
    const repeated = read(REPEATED);
    if (repeated) {
      const most = Number(repeated[2] || repeated[1]);
      const of = last * Math.max(1, most);
      size += of - last;
      last = of;
      continue;
    }
    const escaped = read(ESCAPED);
    if (escaped || read(CHARACTER_CLASS)) {
      add(escaped?.[0].startsWith("\\Q") ? escaped[0].length : 2);
      continue;
    }
    const character = source[at++];
    if (character === "(") {
      before.push(size);
      size = 2;
    } else if (character === ")") {
      last = size;
      size += before.pop() ?? 0;
    } else if (character === "*" || character === "+" || character === "?" || character === "|") {
      size++;
      last++;
    } else add(1);
  }
  return size + before.reduce((all, one) => all + one, 0);
}
