/** Times as a reader wants them. */

/** As many digits as matter, and seconds where milliseconds would be a long number. */
export function ms(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000) return `${Number((value / 1000).toFixed(2))} s`;
  const digits = size >= 100 ? 0 : size >= 1 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ms`;
}

/** From the drill's zero. */
export function signed(value: number): string {
  const [sign, size] = [value < 0 ? "-" : "+", Math.abs(value)];
  return size < 10_000 ? `${sign}${size.toFixed(1)} ms` : `${sign}${(size / 1000).toFixed(3)} s`;
}
