/** Columns of text, two spaces apart, as wide as their widest cell; numbers stand to the right. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const texts = rows.map((row) => row.map(String));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...texts.map((row) => row[column]?.length ?? 0)),
  );
  const isNumber = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumber[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [line(head), ...texts.map(line)].join("\n");
}

/** `3d4h`, `2h05m`, `4m10s`, `12s`: two units at most. */
export function formatAge(ms: number): string {
  const sec = Math.max(0, Math.floor(ms / 1_000));
  const two = (value: number) => String(value).padStart(2, "0");
  if (sec < 60) return `${sec}s`;
  if (sec < 3_600) return `${Math.floor(sec / 60)}m${two(sec % 60)}s`;
  if (sec < 86_400) return `${Math.floor(sec / 3_600)}h${two(Math.floor((sec % 3_600) / 60))}m`;
  return `${Math.floor(sec / 86_400)}d${Math.floor((sec % 86_400) / 3_600)}h`;
}

/** `50ms`, `1s`, `150ms`, `33.3ms`. */
export function formatUs(us: number): string {
  const short = (value: number) => String(Math.round(value * 10) / 10);
  if (us >= 1_000_000) return `${short(us / 1_000_000)}s`;
  return us >= 1_000 ? `${short(us / 1_000)}ms` : `${Math.round(us)}us`;
}

/** `name: value` lines under a title, values aligned. */
export function formatFields(fields: readonly (readonly [string, string | number])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join("\n");
}
