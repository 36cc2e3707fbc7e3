import type { Pointer } from '../ort/c-api.js';
import type { DataType } from './data-type.js';
import { partsOf, type WeightFormat, type WeightPlan } from './weight-plan.js';

/** Weights of a unit, at most: small enough to share the work evenly and to stay in a processor's cache. */
const UNIT_WEIGHTS = 2 ** 18;

/** A range of bytes in memory, and where the cache keeps the same bytes. */
export interface UnitPart {
  readonly address: Pointer;
  readonly bytes: number;
  /** Position in the cache's data; none for weights that it does not keep. */
  readonly cached?: number;
}

/** A piece of a weight that one thread makes: some of the weights of one tensor of the checkpoint. */
export interface WeightUnit {
  /** Relative to the checkpoint's root. */
  readonly location: string;
  readonly offset: number;
  readonly bytes: number;
  readonly dtype: DataType;
  /** What the values are multiplied with; 1 if left out. */
  readonly factor?: number;
  readonly format: WeightFormat;
  readonly values: UnitPart;
  readonly scales?: UnitPart;
}

/** Where a tensor begins: its address, and its position in the cache. */
export type PartPlace = Omit<UnitPart, 'bytes'>;

/**
 * Cuts weights into units, none of which touches the bytes of another.
 *
 * @param placeOf where the tensor of that name is to lie
 */
export function cutIntoUnits(plans: readonly WeightPlan[], placeOf: (name: string) => PartPlace): WeightUnit[] {
  return plans.flatMap((plan) => {
    const [values, scales = undefined] = partsOf(plan);
    const blockSize = plan.format === 'float32' ? 1 : plan.format.blockSize;
    const valueBits = plan.format === 'float32' ? 32 : plan.format.bits;
    const valuesPlace = placeOf(values.name);
    const scalesPlace = scales && placeOf(scales.name);
    const units: WeightUnit[] = [];
    /** Weights of the plan before the unit. */
    let before = 0;
    for (const { location, offset, length, shape, dtype, factor } of plan.sources) {
      const weights = shape.reduce((product, size) => product * size, 1);
      const bytesPerWeight = length / weights;
      for (let start = 0; start < weights; start += UNIT_WEIGHTS) {
        const count = Math.min(UNIT_WEIGHTS, weights - start);
        units.push({
          location,
          offset: offset + start * bytesPerWeight,
          bytes: count * bytesPerWeight,
          dtype,
          factor,
          format: plan.format,
          values: part(valuesPlace, ((before + start) * valueBits) / 8, (count * valueBits) / 8),
          ...(scalesPlace && {
            scales: part(scalesPlace, ((before + start) / blockSize) * 4, (count / blockSize) * 4),
          }),
        });
      }
      before += weights;
    }
    return units;
  });
}

function part({ address, cached }: PartPlace, offset: number, bytes: number): UnitPart {
  return {
    address: address + BigInt(offset),
    bytes,
    ...(cached !== undefined && { cached: cached + offset }),
  };
}
