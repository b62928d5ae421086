/** Lines of text with the cells in columns as wide as they need to be, beneath their titles. */
export function table(titles: string[], rows: (string | number)[][]): string[] {
  const lines = [titles, ...rows.map((row) => row.map(String))]
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
