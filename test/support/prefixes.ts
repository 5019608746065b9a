/** `10.0.0.0/24`, `10.0.1.0/24`, …: as many as asked for. */
export const prefixListOf = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`);
