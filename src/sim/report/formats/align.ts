/** Rows as text in columns, the first of them the head. */
export function alignRows(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `+236 ms (+36 %)` */
export function differenceText(
  was: number | null,
  is: number | null,
  text: (value: number) => string,
): string {
  if (was === null || is === null) return "";
  const by = is - was;
  const plus = by > 0 ? "+" : "";
  const share = was < 1 ? "" : ` (${plus}${Math.round((100 * by) / was)} %)`;
  return `${plus}${text(by)}${share}`;
}
