/** A table in Markdown: the first row names the columns. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const line = (row) => `| ${row.map((cell, column) => String(cell).padEnd(widths[column])).join(' | ')} |`;
  return [line(rows[0]), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join('\n');
}

/** Numbers as they stand in a table; what was not measured is a dash. */
const shown = (format) => (value) => (value === undefined ? '–' : format(value));

export const number = shown((value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3)));
export const ratio = shown((value) => `${value.toFixed(2)} ×`);
export const milliseconds = shown((value) => `${value.toFixed(value < 100 ? 1 : 0)} ms`);
export const seconds = shown((value) => `${value.toFixed(2)} s`);
export const megabytes = shown((value) => `${Math.round(value / 1e6)} MB`);
export const percent = shown((value) => `${(100 * value).toFixed(1)} %`);
export const latencies = ({ p50, p99, max }) => [p50, p99, max].map(milliseconds).join(' / ');
