/** A line chart over a logarithmic x axis, as SVG. It brings its own background, so it reads on light and dark pages. */

const MARGIN = { top: 44, right: 20, bottom: 52, left: 64 };
const INK = '#1f2933';
const FAINT = '#6b7785';
const GRID = '#e3e8ee';
/** Distinct also to the colour-blind (Okabe and Ito), from the one that comes first. */
export const COLORS = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];

/**
 * @param series [{ name, color, dashed?, points: [[x, y]] }]
 * @param box where it stands in its image, in pixels: { x, y, width, height }
 */
export function lineChart({ title, xLabel, yLabel, series }, box) {
  const points = series.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const ticks = niceTicks(Math.max(...points.map(([, y]) => y)));
  const left = box.x + MARGIN.left;
  const right = box.x + box.width - MARGIN.right;
  const top = box.y + MARGIN.top;
  const bottom = box.y + box.height - MARGIN.bottom;
  const span = Math.log2(xs.at(-1) / xs[0]) || 1;
  const xOf = (x) => round(left + ((right - left) * Math.log2(x / xs[0])) / span);
  const yOf = (y) => round(bottom - ((bottom - top) * y) / ticks.at(-1));
  const middle = round((top + bottom) / 2);
  return [
    text(left, box.y + 24, title, { size: 15, weight: 600 }),
    ...ticks.map((y) => `<path d="M${left} ${yOf(y)}H${right}" stroke="${GRID}"/>`),
    ...ticks.map((y) => text(left - 8, yOf(y) + 4, y.toLocaleString('en'), { anchor: 'end', fill: FAINT })),
    ...xs.map((x) => text(xOf(x), bottom + 20, x, { anchor: 'middle', fill: FAINT })),
    text((left + right) / 2, bottom + 42, xLabel, { anchor: 'middle' }),
    `<g transform="rotate(-90 ${box.x + 16} ${middle})">${text(box.x + 16, middle, yLabel, { anchor: 'middle' })}</g>`,
    ...series.map((line) => lineOf(line, xOf, yOf)),
  ].join('\n');
}

/** One entry for each series, in a row. */
export function legend(series, x, y) {
  let at = x;
  return series
    .map(({ name, color, dashed }) => {
      const entry = `<path d="M${at} ${y}h24" ${stroke(color, dashed)}/>${text(at + 32, y + 4, name)}`;
      at += 32 + 7.5 * name.length + 24;
      return entry;
    })
    .join('\n');
}

export function image(width, height, parts) {
  const font = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${font}>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="#ffffff" stroke="${GRID}"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function lineOf({ color, dashed, points }, xOf, yOf) {
  const path = points.map(([x, y]) => `${xOf(x)} ${yOf(y)}`).join('L');
  const dots = points.map(([x, y]) => `<circle cx="${xOf(x)}" cy="${yOf(y)}" r="3.5" fill="${color}"/>`);
  return `<path d="M${path}" fill="none" stroke-linejoin="round" ${stroke(color, dashed)}/>${dots.join('')}`;
}

function stroke(color, dashed) {
  return `stroke="${color}" stroke-width="2.5"${dashed ? ' stroke-dasharray="2 5" stroke-linecap="round"' : ''}`;
}

function text(x, y, content, { anchor = 'start', size = 13, weight = 400, fill = INK } = {}) {
  const escaped = String(content).replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${fill}">${escaped}</text>`;
}

/** From 0 in steps of 1, 2 or 5 times a power of ten, to at least the largest value. */
function niceTicks(largest) {
  const rough = largest / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

function round(value) {
  return Math.round(value * 10) / 10;
}
