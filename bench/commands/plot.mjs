/** Draws what `compare --json` measured, over the number of clients: npm run bench -- plot FILE… --out IMAGE.svg */
import { readFileSync, writeFileSync } from 'node:fs';
import { linearScale, logScale } from '../support/scales.mjs';
import { COLORS, image, legend, lineChart } from '../support/chart.mjs';

const CHART = { width: 480, height: 360 };
const GAP = 16;
const LEGEND_HEIGHT = 40;

export const options = {
  out: { type: 'string' },
  title: { type: 'string', default: '' },
};

export function run({ out, title }, files) {
  if (!out || files.length === 0) throw new Error('plot FILE… --out IMAGE.svg');
  const rows = files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')).rows);
  const names = [...new Set(rows.map(({ name }) => name))];
  const lines = names.map((name, i) => ({ name, color: COLORS[i % COLORS.length] }));
  const seriesOf = (field, { factor = 1, dashed } = {}) =>
    lines.map((line) => ({ ...line, dashed, points: pointsOf(rows, line.name, field, factor) }));
  const suffix = title && `, ${title}`;
  const throughput = {
    title: `Throughput${suffix}`,
    xLabel: 'clients at a time',
    yLabel: 'tokens per second, over all clients',
    scale: linearScale,
    series: seriesOf('tokensPerSecond'),
  };
  const latency = {
    title: `Latency of a whole answer${suffix}`,
    xLabel: 'clients at a time',
    yLabel: 'seconds',
    scale: logScale,
    series: [...seriesOf('latencyP50', { factor: 1e-3 }), ...seriesOf('latencyP99', { factor: 1e-3, dashed: true })],
  };
  const width = 2 * CHART.width + 3 * GAP;
  const height = CHART.height + LEGEND_HEIGHT + GAP;
  const tails = { name: 'dotted: 99th percentile', color: '#6b7785', dashed: true };
  const parts = [
    lineChart(throughput, { ...CHART, x: GAP, y: 0 }),
    lineChart(latency, { ...CHART, x: CHART.width + 2 * GAP, y: 0 }),
    legend([...lines, tails], 2 * GAP, CHART.height + LEGEND_HEIGHT / 2),
  ];
  writeFileSync(out, image(width, height, parts));
  return { result: { throughput: throughput.series, latency: latency.series }, text: `wrote ${out}` };
}

function pointsOf(rows, name, field, factor) {
  return rows
    .filter((row) => row.name === name)
    .map((row) => [row.clients, factor * row[field]])
    .sort(([a], [b]) => a - b);
}
