import { doublingScale } from './scales.mjs';

/**
 * Line charts as SVG. The image brings its own background, so that it
 * reads on light and dark pages.
 */

const MARGIN = { top: 44, right: 20, bottom: 52, left: 64 };
const INK = '#1f2933';
const FAINT = '#6b7785';
const GRID = '#e3e8ee';
/** Distinct also to the colour-blind (Okabe and Ito), from the one that comes first. */
export const COLORS = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];

/**
 * @param scale of the y axis: see scales.mjs
 * @param xScale of the x axis
 * @param series [{ name, color, dashed?, dots?, points: [[x, y]] }]
 * @param box where it stands in its image, in pixels: { x, y, width, height }
 */
export function lineChart({ title, xLabel, yLabel, scale, xScale = doublingScale, series }, box) {
  const points = series.flatMap((line) => line.points);
  const xs = xScale(points.map(([x]) => x));
  const ys = scale(points.map(([, y]) => y));
  const left = box.x + MARGIN.left;
  const right = box.x + box.width - MARGIN.right;
  const top = box.y + MARGIN.top;
  const bottom = box.y + box.height - MARGIN.bottom;
  const xOf = (x) => round(left + (right - left) * xs.of(x));
  const yOf = (y) => round(bottom - (bottom - top) * ys.of(y));
  const middle = round((top + bottom) / 2);
  return [
    text(left, box.y + 24, title, { size: 15, weight: 600 }),
    ...ys.ticks.map((y) => `<path d="M${left} ${yOf(y)}H${right}" stroke="${GRID}"/>`),
    ...ys.ticks.map((y) => text(left - 8, yOf(y) + 4, y.toLocaleString('en'), { anchor: 'end', fill: FAINT })),
    ...xs.ticks.map((x) => text(xOf(x), bottom + 20, x, { anchor: 'middle', fill: FAINT })),
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

function lineOf({ color, dashed, dots: hasDots = true, points }, xOf, yOf) {
  const path = points.map(([x, y]) => `${xOf(x)} ${yOf(y)}`).join('L');
  const dots = (hasDots ? points : []).map(
    ([x, y]) => `<circle cx="${xOf(x)}" cy="${yOf(y)}" r="3.5" fill="${color}"/>`,
  );
  return `<path d="M${path}" fill="none" stroke-linejoin="round" ${stroke(color, dashed)}/>${dots.join('')}`;
}

function stroke(color, dashed) {
  return `stroke="${color}" stroke-width="2.5"${dashed ? ' stroke-dasharray="2 5" stroke-linecap="round"' : ''}`;
}

function text(x, y, content, { anchor = 'start', size = 13, weight = 400, fill = INK } = {}) {
  const escaped = String(content).replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${fill}">${escaped}</text>`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
