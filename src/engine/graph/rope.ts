import type { ConfigReader } from '../model/config-reader.js';

/** How positions become rotation angles. */
export type RopeSpec =
  | { readonly type: 'default'; readonly theta: number }
  | { readonly type: 'linear'; readonly theta: number; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly theta: number;
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalMaxPositions: number;
    };

/**
 * Reads the rotary settings in either generation of config.json: `rope_parameters` (transformers 5), or `rope_theta`
 * with `rope_scaling` (before).
 */
export function readRope(config: ConfigReader, defaultTheta = 10_000): RopeSpec {
  const scaling = config.section('rope_parameters') ?? config.section('rope_scaling');
  for (const section of [config, scaling]) {
    if (section?.has('partial_rotary_factor') && section.positive('partial_rotary_factor') !== 1) {
      section.unsupported('partial_rotary_factor other than 1 is not supported');
    }
  }
  const theta = scaling?.has('rope_theta')
    ? scaling.positive('rope_theta')
    : config.positive('rope_theta', defaultTheta);
  if (!scaling) return { type: 'default', theta };
  // Checkpoints of before 2024 say `type`.
  const type = scaling.has('rope_type') ? scaling.text('rope_type') : scaling.text('type', 'default');
  switch (type) {
    case 'default':
      return { type, theta };
    case 'linear':
      return { type, theta, factor: scaling.positive('factor') };
    case 'llama3':
      return {
        type,
        theta,
        factor: scaling.positive('factor'),
        lowFrequencyFactor: scaling.positive('low_freq_factor'),
        highFrequencyFactor: scaling.positive('high_freq_factor'),
        originalMaxPositions: scaling.count('original_max_position_embeddings'),
      };
    default:
      return scaling.unsupported(`rope type "${type}" is not supported (known: default, linear, llama3)`);
  }
}

/**
 * Angle per position for each pair of values of a head, in radians; length headDim / 2.
 *
 * Source: modeling_rope_utils.py of transformers. float32 where torch has it, so that angles agree at long positions.
 */
export function inverseFrequencies(rope: RopeSpec, headDim: number): Float32Array {
  const plain = Float32Array.from(
    { length: headDim / 2 },
    (_, i) => 1 / Math.fround(rope.theta ** ((2 * i) / headDim)),
  );
  switch (rope.type) {
    case 'default':
      return plain;
    case 'linear':
      return plain.map((frequency) => frequency / rope.factor);
    case 'llama3':
      return plain.map((frequency) => scaleLlama3(frequency, rope));
  }
}

/** Long wavelengths are stretched by the factor, short ones kept, and those between them blended. */
function scaleLlama3(frequency: number, rope: Extract<RopeSpec, { type: 'llama3' }>): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions } = rope;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalMaxPositions / high) return frequency;
  if (wavelength > originalMaxPositions / low) return frequency / factor;
  const smooth = (originalMaxPositions / wavelength - low) / (high - low);
  return (1 - smooth) * (frequency / factor) + smooth * frequency;
}

/** Cosines and sines for positions 0 to `positions` − 1: two matrices [positions, headDim / 2], row by row. */
export function rotaryTables(
  rope: RopeSpec,
  headDim: number,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = inverseFrequencies(rope, headDim);
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(position * frequencies[i]);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
