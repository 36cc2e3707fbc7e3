import { COLORS, image, legend, lineChart } from '../../../bench/support/chart.mjs';
import { linearScale } from '../../../bench/support/scales.mjs';

const CHART = { width: 480, height: 320 };
const GAP = 16;
const LEGEND_HEIGHT = 40;
/** Samples of which the mean is a point. */
const POINTS = 120;

/** What a process held, over the minutes. */
export function plotOf(samples) {
  const line = (name, field, color) => ({ name, color, dots: false, points: thinned(samples, field) });
  const memory = [line('resident memory', 'residentMB', COLORS[0])];
  const counts = [
    line('descriptors', 'descriptors', COLORS[1]),
    line('sockets', 'sockets', COLORS[2]),
    line('threads', 'threads', COLORS[3]),
  ];
  const common = { xLabel: 'minutes', scale: linearScale, xScale: linearScale };
  return image(2 * CHART.width + 3 * GAP, CHART.height + LEGEND_HEIGHT + GAP, [
    lineChart({ ...common, title: 'Memory', yLabel: 'MB', series: memory }, { ...CHART, x: GAP, y: 0 }),
    lineChart(
      { ...common, title: 'What is open', yLabel: 'number', series: counts },
      { ...CHART, x: CHART.width + 2 * GAP, y: 0 },
    ),
    legend([...memory, ...counts], 2 * GAP, CHART.height + LEGEND_HEIGHT / 2),
  ]);
}

function thinned(samples, field) {
  const size = Math.ceil(samples.length / POINTS);
  const groups = Array.from({ length: Math.ceil(samples.length / size) }, (_, i) =>
    samples.slice(i * size, (i + 1) * size),
  );
  const mean = (group, of) => group.reduce((sum, sample) => sum + sample[of], 0) / group.length;
  return groups.map((group) => [mean(group, 'minutes'), mean(group, field)]);
}
