const MOST_TYPES = 100;
const OTHERS = "other";
const LABEL = /(?<=[{,]workflow_type=")(?:[^"\\]|\\.)*(?=")/;

/**
 * Bounds what the SDK tells: it has up to two hundred series for each workflow type (a definition's slug) that this process has run, for
 * as long as it lives. The first types are told by name, and all others together. None changes sides, or its counters would go back.
 */
export function boundedTypes(): (text: string) => string {
  const named = new Set<string>();
  const isNamed = (type: string) =>
    type !== OTHERS && (named.has(type) || (named.size < MOST_TYPES && named.add(type) !== undefined));
  return (text) => {
    const sums = new Map<string, number>();
    const lines = text.split("\n").flatMap((line) => {
      const type = LABEL.exec(line)?.[0];
      if (type === undefined || isNamed(type)) return line;
      const at = line.lastIndexOf(" ");
      const series = line.slice(0, at).replace(LABEL, OTHERS);
      const sum = sums.get(series);
      sums.set(series, (sum ?? 0) + Number(line.slice(at)));
      return sum === undefined ? series : [];
    });
    return lines.map((line) => (sums.has(line) ? `${line} ${sums.get(line)}` : line)).join("\n");
  };
}
