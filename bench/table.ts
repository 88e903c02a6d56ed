/** Prints rows under a title, their members as columns: words to the left, numbers to the right. */
export function printTable(title: string, rows: Record<string, string | number>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const text = (row: Record<string, string | number>, column: string) => String(row[column] ?? "");
  const line = (cell: (column: string) => string, fill: string) =>
    columns
      .map((column) => {
        const width = Math.max(column.length, ...rows.map((row) => text(row, column).length));
        const isNumber = rows.every((row) => /^[\d.]*(\s|$)/.test(text(row, column)));
        return isNumber ? cell(column).padStart(width, fill) : cell(column).padEnd(width, fill);
      })
      .join("  ");
  console.log(`\n${title}`);
  console.log(line((column) => column, " "));
  console.log(line(() => "", "-"));
  for (const row of rows) console.log(line((column) => text(row, column), " "));
}
